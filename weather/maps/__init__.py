"""Weather maps."""
