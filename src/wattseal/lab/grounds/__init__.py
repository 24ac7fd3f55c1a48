"""What attacks are played on: a CPO without sockets whose clock is moved, and a `wattseal serve` alone."""
