"""The demo: one provable charge, end to end, and everybody who tampers with it named."""
