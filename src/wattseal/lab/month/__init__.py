"""A simulated month of a CPO: thousands of sessions, some of them spoilt on purpose, for `wattseal audit` to find."""
