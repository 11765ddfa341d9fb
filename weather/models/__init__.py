"""One time step of the atmosphere: what surrounds the two backbones."""
