"""The lab: worlds, adversaries and stories made of the real parts, for the demo and for trying attacks at home."""
