"""What a forecast depends on, and where it leaves what is known."""
