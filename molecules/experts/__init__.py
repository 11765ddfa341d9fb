"""Models that stand beside the networks in a predictor, and how much each of them counts."""
