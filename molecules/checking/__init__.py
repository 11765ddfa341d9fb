"""What is wrong with a table of molecules before a model learns from it."""
