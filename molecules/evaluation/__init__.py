"""Splits, scores and simple models to compare with."""
