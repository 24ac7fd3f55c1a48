"""People who work with this CSMS: who they are, what they may do, how they sign in."""
