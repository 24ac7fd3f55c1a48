"""Inbound network: sockets and HTTP in, calls of the flow or of a pure decision out."""
