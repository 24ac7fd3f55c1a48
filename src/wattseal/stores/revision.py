"""The schema revision an opened database must be at; apart from `schema`, so that running needs no SQLAlchemy."""

from typing import Final

HEAD: Final = "0003"
"""The newest migration."""
