"""The navigation: what there is, in the order people look, and which scopes each page needs."""

from dataclasses import dataclass

from wattseal.serve.viewers import Viewer


@dataclass(frozen=True, slots=True)
class Place:
    """A page: its address, its name (English, the key of its translations), the scopes it needs."""

    path: str
    name: str
    scopes: tuple[str, ...] = ()


NAVIGATION: tuple[tuple[str, tuple[Place, ...]], ...] = (
    (
        "General",
        (
            Place("/", "Overview"),
            Place("/revenue", "Revenue", ("bills:read", "energy:read")),
            Place("/sessions", "Sessions", ("transactions:read",)),
        ),
    ),
    (
        "Network",
        (
            Place("/network", "Stations", ("stations:read",)),
            Place("/alarms", "Alarms", ("alarms:read",)),
            Place("/works", "Announced works", ("stations:read",)),
            Place("/fleet-limits", "Limits for many stations", ("commands:read",)),
            Place("/ramp", "Ramp of the fleet", ("commands:read",)),
        ),
    ),
    (
        "Money",
        (
            Place("/quarantine", "Quarantine", ("transactions:read",)),
            Place("/cdrs", "CDRs", ("bills:read",)),
            Place("/tariffs", "Tariffs", ("tariffs:read",)),
            Place("/tokens", "Tokens", ("tokens:read",)),
            Place("/accounts", "Accounts", ("accounts:read",)),
            Place("/invoices", "Invoices", ("invoices:read",)),
            Place("/disputes", "Disputes", ("disputes:read",)),
        ),
    ),
    (
        "System",
        (
            Place("/log", "Transparency log"),
            Place("/backups", "Backups", ("settings:read",)),
            Place("/people", "People", ("people:read",)),
            Place("/audit", "Who changed what", ("people:read",)),
            Place("/settings", "Settings"),
        ),
    ),
)
"""Sections and their pages."""


def sections(viewer: Viewer) -> tuple[tuple[str, tuple[Place, ...]], ...]:
    """Return what a viewer may open; sections without a page are left out."""
    found = ((name, tuple(p for p in places if viewer.may(*p.scopes))) for name, places in NAVIGATION)
    return tuple((name, places) for name, places in found if places)
