"""How a viewer stands in records that name who decided."""

from wattseal.serve.viewers import Viewer


def person_of(viewer: Viewer) -> str:
    """Return what records name a viewer by: the pseudonym, for a name in a record could never be erased."""
    return viewer.principal.name
