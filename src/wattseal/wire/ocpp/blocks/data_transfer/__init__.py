"""Vendors' own messages, and wattseal records over 1.6."""
