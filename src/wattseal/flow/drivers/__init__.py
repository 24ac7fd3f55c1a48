"""Drivers: who may charge, by token, certificate, local list or reservation."""
