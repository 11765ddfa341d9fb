"""From analyses and a configuration to a trained model."""
