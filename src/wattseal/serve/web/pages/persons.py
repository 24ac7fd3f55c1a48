"""How a viewer stands in records that name who decided."""

from wattseal.serve.viewers import Viewer

MAX_NAME = 60
"""Characters of the name; records that take little text have room for it."""


def person_of(viewer: Viewer) -> str:
    """Return a viewer's name, and behind it the one the principal is known by, which nobody chooses for himself."""
    return f"{viewer.name[:MAX_NAME]} ({viewer.principal.name})"
