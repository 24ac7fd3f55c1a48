"""OCPP 1.6: one module an action, with `Request` and `Response`."""
