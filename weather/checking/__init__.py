"""What stands in a file, judged before it is used: units by value, levels, times, NaN, outliers."""
