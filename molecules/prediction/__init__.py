"""From a trained model and a table to values, intervals and a status for every row."""
