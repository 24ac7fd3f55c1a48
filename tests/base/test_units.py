from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.units import exponent_mantissa, from_exponent_mantissa


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(-32, 32))
def test_a_decimal_comes_back_digit_by_digit(mantissa: int, exponent: int) -> None:
    value = from_exponent_mantissa(exponent, mantissa)
    assert value.as_tuple().exponent == exponent
    assert exponent_mantissa(value) == (exponent, mantissa)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_every_finite_decimal_is_taken_apart_exactly(value: Decimal) -> None:
    exponent, mantissa = exponent_mantissa(value)
    assert Decimal((mantissa < 0, tuple(map(int, str(abs(mantissa)))), exponent)) == value


def test_digits_beyond_any_meter_are_kept_too() -> None:
    assert exponent_mantissa(Decimal("-" + "7" * 90 + ".5")) == (-1, -int("7" * 90 + "5"))
