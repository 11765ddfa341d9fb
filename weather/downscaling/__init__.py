"""Downscaling: from coarse fields to those of twice the resolution."""
