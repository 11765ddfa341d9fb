"""Tables of molecules in files: read whole, nothing lost."""
