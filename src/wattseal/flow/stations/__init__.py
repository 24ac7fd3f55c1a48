"""Stations: what they tell of themselves, and what is done to them."""
