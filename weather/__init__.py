"""Weather forecasts learned from gridded analyses: from a file to a forecast to its scores."""
