"""Curves, hashes and HPKE behind a few functions. Keys are values, verification returns bool, nothing is negotiated."""
