"""Who asks: every handler takes a Principal."""

from dataclasses import dataclass

from wattseal.base.ids import TenantId


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller; an empty scope set may do nothing."""

    tenant: TenantId
    name: str
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()

    def may(self, scope: str) -> bool:
        """Return whether the caller holds `scope` (or "*")."""
        return scope in self.scopes or "*" in self.scopes
