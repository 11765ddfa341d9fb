"""Analyses and forecasts in files: recognized, converted, written back."""
