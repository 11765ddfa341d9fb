"""From a molecule to its properties: what surrounds the two backbones."""
