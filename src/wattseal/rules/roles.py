"""Roles: what each of the people who work for a CPO may do, as scopes of the API (docs/reference/roles.md)."""

from collections.abc import Iterable, Mapping

from wattseal.rules.scopes import SCOPES

_READ = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_SECRETIVE = frozenset({"api-tokens:read", "customers:read", "frames:read", "logs:read", "tokens:read"})
"""Readable only for those whose work it is: they show drivers, or what the next attack begins with."""
_FLEET = frozenset(
    {
        "alarms:read",
        "charging:read",
        "commands:read",
        "energy:read",
        "local-lists:read",
        "registry:read",
        "reservations:read",
        "stations:read",
        "tariffs:read",
        "transactions:read",
    }
)
ROLES: Mapping[str, frozenset[str]] = {
    "owner": frozenset(SCOPES),
    "operator": _FLEET
    | {
        "alarms:handle",
        "certificates:write",
        "commands:charging",
        "commands:maintenance",
        "commands:operation",
        "commands:power",
        "frames:read",
        "local-lists:write",
        "logs:read",
        "reservations:write",
        "stations:write",
        "tokens:read",
        "tokens:write",
    },
    "finance": frozenset(
        {
            "accounts:read",
            "accounts:write",
            "bills:read",
            "disputes:decide",
            "disputes:read",
            "energy:read",
            "invoices:read",
            "invoices:write",
            "ledger:read",
            "ledger:write",
            "payments:read",
            "payments:write",
            "quarantine:decide",
            "stations:read",
            "tariffs:read",
            "tariffs:write",
            "transactions:read",
        }
    ),
    "support": _FLEET
    | {
        "accounts:export",
        "accounts:read",
        "alarms:handle",
        "bills:read",
        "codes:write",
        "commands:charging",
        "commands:operation",
        "disputes:open",
        "disputes:read",
        "reservations:write",
        "tokens:read",
        "tokens:write",
    },
    "auditor": (_READ - _SECRETIVE) | {"invoices:erased"},
    "partner": frozenset({"disputes:open", "registry:read", "tariffs:read"}),
}
"""Every role there is, and its scopes."""
SAYS: Mapping[str, str] = {
    "owner": "everything, people and API tokens included",
    "operator": "stations, their commands and configuration, drivers' tokens; no money",
    "finance": "accounts, tariffs, bills, invoices, payments, disputes, quarantine; no commands",
    "support": "helps drivers: remote start and stop, restarts, tokens, their data, disputes in their name",
    "auditor": "reads all but drivers' tokens, frames and logs, and changes nothing",
    "partner": "an eMSP's person: tariffs, keys and the disputes of its own party",
}
"""Each role in a line."""


def unknown(roles: Iterable[str]) -> tuple[str, ...]:
    """Return those that are no roles."""
    return tuple(sorted(set(roles) - ROLES.keys()))


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Return what the holder of these roles may do."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))
