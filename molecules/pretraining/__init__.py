"""Pre-training: an encoder learns from molecules without labels."""
