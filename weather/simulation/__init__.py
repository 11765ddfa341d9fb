"""An atmosphere with known truth."""
