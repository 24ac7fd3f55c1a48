"""wattseal: EV charging management in which the data carries its own proof."""

__version__ = "0.1.0"
