"""Molecules as numbers: graphs, conformers, batches."""
