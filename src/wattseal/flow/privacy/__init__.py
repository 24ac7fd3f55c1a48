"""What is held about a driver, given to that driver: found, written into one archive, handed over once."""
