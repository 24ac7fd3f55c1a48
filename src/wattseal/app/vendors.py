"""Handlers of vendors' messages from installed packages: entry points of the group `wattseal.vendors`.

Each is a mapping {(vendor id, message id): handler} as `wattseal.flow.vendors` describes it. None is loaded that the
settings do not name.
"""

from collections.abc import Iterable
from importlib.metadata import entry_points

from wattseal.base.errors import ConfigError
from wattseal.flow.stations.vendors import Handler

GROUP = "wattseal.vendors"


def load_vendors(names: Iterable[str]) -> dict[tuple[str, str | None], Handler]:
    """Return the handlers of the named entry points; `ConfigError` names one that is not there or is no mapping."""
    found: dict[tuple[str, str | None], Handler] = {}
    for name in names:
        points = tuple(entry_points(group=GROUP, name=name))
        if not points:
            text = f"no installed package has the entry point {name} in {GROUP}; install it or take it out"
            raise ConfigError(text, code="no_vendor_plugin", subject=name)
        handlers = points[0].load()
        if not isinstance(handlers, dict):
            raise ConfigError("a vendor plugin is a mapping {(vendor id, message id): handler}", subject=name)
        found |= handlers
    return found
