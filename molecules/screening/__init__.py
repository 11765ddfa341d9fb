"""The best molecules of a library, on one page."""
