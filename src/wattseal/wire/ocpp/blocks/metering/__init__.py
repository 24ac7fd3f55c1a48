"""Meter values outside transaction events."""
