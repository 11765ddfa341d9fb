"""How good a forecast is, beside simple ones."""
