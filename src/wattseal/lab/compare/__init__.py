"""A man in the middle on the stop value, against five protections: what he reads, changes and drops unnoticed."""
