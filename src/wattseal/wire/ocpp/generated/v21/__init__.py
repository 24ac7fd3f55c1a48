"""OCPP 2.1: one module an action, with `Request` and `Response`."""
