"""One assembly per process, and the machine's own clock and randomness."""
