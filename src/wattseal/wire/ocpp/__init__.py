"""OCPP 1.6J, 2.0.1 and 2.1: RPC framing, message types, and the lifting of messages to facts."""
