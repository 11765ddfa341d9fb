"""From a trained model and an analysis to a forecast."""
