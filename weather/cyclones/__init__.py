"""Tropical cyclones: found, followed, written and scored."""
