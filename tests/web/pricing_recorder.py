"""A pytest plugin: writes down what the tests of the pricing ask, one JSON line a call, into $PRICING_CALLS."""

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, TextIO

from tests.web import pricing_spelling as say

import wattseal.pricing
import wattseal.pricing.periods
from wattseal.model.cdr import ChargingPeriod
from wattseal.model.tariff import Tariff
from wattseal.pricing import Incomplete, Priced
from wattseal.pricing.periods import Point

_price, _periods = wattseal.pricing.price, wattseal.pricing.periods.periods
_out: TextIO = Path(os.environ["PRICING_CALLS"]).open("w")  # noqa: SIM115 - until the process ends


def _note(by: Tariff, zone: tzinfo, found: Any, **more: Any) -> None:
    line = {"question": say.question(by, zone) | more, "answer": say.answer(found)}
    _out.write(json.dumps(line) + "\n")


def price(tariff: Tariff, periods: Sequence[ChargingPeriod], zone: tzinfo) -> Priced | Incomplete:
    found = _price(tariff, periods, zone)
    with suppress(say.CannotSay):
        _note(tariff, zone, found, periods=say.periods(tuple(periods)))
    return found


def periods(points: Sequence[Point], tariff: Tariff) -> tuple[ChargingPeriod, ...] | Incomplete:
    found = _periods(points, tariff)
    with suppress(say.CannotSay):
        _note(tariff, UTC, found, points=say.points(tuple(points)))
    return found


wattseal.pricing.price = price
sys.modules["wattseal.pricing.price"].price = price  # type: ignore[attr-defined]
wattseal.pricing.periods.periods = periods
