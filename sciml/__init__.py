"""What weather and molecules share: two backbones, training, files and commands."""
