"""Connector status."""
