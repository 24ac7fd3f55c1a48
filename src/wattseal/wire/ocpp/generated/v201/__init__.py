"""OCPP 2.0.1: one module an action, with `Request` and `Response`."""
