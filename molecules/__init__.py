"""Molecular properties: SMILES tables, 2-D graphs and 3-D conformers, screening."""
