"""Boot and heartbeat."""
