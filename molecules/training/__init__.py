"""From a table or a library and a configuration to a trained model."""
