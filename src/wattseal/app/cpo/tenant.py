"""Whose directory `wattseal serve` keeps, and in whose name the clock acts."""

from wattseal.base.ids import TenantId
from wattseal.model.principal import Principal

ROLE = "cpo"
TENANT = TenantId("default")
"""The one tenant of a directory made by `wattseal serve`; every row and look-up names it."""
SYSTEM = Principal(TENANT, "system", frozenset(), frozenset({"*"}))
"""Who asks for what is done by the clock."""
