"""Outbound network: whoever this process calls upon."""
