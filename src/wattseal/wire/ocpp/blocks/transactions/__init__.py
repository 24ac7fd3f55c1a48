"""Start, progress and end of a transaction."""
