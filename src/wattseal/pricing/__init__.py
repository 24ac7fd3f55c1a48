"""One price for everybody: CPO, eMSP and verifier compute a session's cost with the same pure function."""

from wattseal.pricing.money import minor_unit_digits, rounded
from wattseal.pricing.price import price
from wattseal.pricing.trace import Incomplete, Priced, TraceLine

__all__ = ["Incomplete", "Priced", "TraceLine", "minor_unit_digits", "price", "rounded"]
