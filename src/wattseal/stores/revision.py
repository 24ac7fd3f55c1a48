"""The schema revision an opened database must be at; apart from `schema`, so that running needs no SQLAlchemy."""

from typing import Final

HEAD: Final = "0004"
"""The newest migration."""
