"""OCPI, one package a version: wire types here, the model everywhere else; exact decimals, unknown fields ignored."""
