"""One folder a functional block, one file a message."""
