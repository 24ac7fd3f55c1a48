"""OCPI 2.2.1: CDRs, tariffs and the response envelope."""
