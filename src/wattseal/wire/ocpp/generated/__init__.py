"""OCPP message types, from the schemas in the PyPI package ocpp 2.1.0; see tools/generate_ocpp_types.py."""
