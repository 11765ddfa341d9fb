"""Generation: new molecules from a latent space, sampled or searched."""
