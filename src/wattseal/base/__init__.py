"""What every room may use: errors, ids, units."""
