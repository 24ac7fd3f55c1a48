"""What the receipt's page finds, verifier and pricing together, is what `wattseal verify` finds."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.pricing.prices import element, energy, flat, hourly, parking, tariff
from tests.support.doc_tree import ROOT
from tests.support.examples import examples
from tests.support.mutants import MUTATIONS
from tests.support.worlds import sealed_charge, trust
from tests.web.peer import Peer, modules, peer
from tests.web.pricing_spelling import plain

from wattseal.bundle.cdr import trace_to_value
from wattseal.bundle.check import check_bundle
from wattseal.bundle.trust import Trust
from wattseal.model.tariff import Price, Tariff, TaxIncluded

VECTORS = ROOT / "docs/spec/vectors/bundle/bundles.json"
MUTANTS_EACH = examples(150, usual=40)
SEED = 20261129
TARIFFS: dict[str, Tariff] = {
    "by time and standing": tariff(energy("0.39", "19"), hourly("2.40", "19", 60), parking("6", "7", 60), flat("0.5")),
    "taxes in the price": tariff(energy("0.49", "19"), hourly("1.20", "7"), tax_included=TaxIncluded.YES),
    "by amount and night": tariff(
        element(energy("0.30", "20"), max_kwh="1.2"),
        element(energy("0.45", "20"), hourly("0.60"), start_time="22:00", end_time="06:00"),
        element(energy("0.50", "20")),
    ),
    "with a minimum": tariff(energy("0.10", "19"), min_price=Price(Decimal(5)), idle_grace_s=30),
}


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_check.mjs", modules(pytestconfig) / "check.mjs") as running:
        yield running


def answer(data: bytes, believed: Trust | None) -> dict[str, Any]:
    """Return what Python says, as the peer says it."""
    report = check_bundle(data, believed)
    failure, found = report.failure, report.price
    priced = None if found is None else found.priced
    return {
        "verdict": report.verdict.value,
        "failure": None if failure is None else [failure.number, failure.reason, failure.field],
        "energy_wh": None if report.energy_wh is None else format(report.energy_wh, "f"),
        "grade": None if report.grade is None else report.grade.name,
        "price": found
        and priced
        and [
            found.tariff,
            priced.currency,
            digits(priced.total.before_tax),
            digits(priced.total.after_tax),
            [[digits(share.percent), digits(share.net), digits(share.tax)] for share in priced.taxes],
            plain(trace_to_value(priced.trace)),
        ],
    }


def digits(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def agree(browser: Peer, bundles: list[bytes], believed: Trust | None) -> set[str]:
    """Hold both against each other; return the lights that were shown."""
    told = None if believed is None else believed.to_json().decode()
    lights = set()
    for data, theirs in zip(bundles, browser.ask({"bundle": b.hex(), "trust": told} for b in bundles), strict=True):
        lights.add(theirs.pop("light"))
        assert theirs == answer(data, believed), data.hex()
    return lights


def test_every_bundle_vector_comes_to_the_same(browser: Peer) -> None:
    lights = set()
    for case in json.loads(VECTORS.read_text())["cases"]:
        believed = Trust.parse(json.dumps(case["trust"]).encode()) if case["trust"] else None
        lights |= agree(browser, [bytes.fromhex(case["bundle"])], believed)
    assert lights == {"good", "grey", "bad"}


@pytest.mark.parametrize("name", TARIFFS)
def test_a_charge_under_any_tariff_is_priced_alike_and_its_mutants_are_refused_alike(browser: Peer, name: str) -> None:
    terms = TARIFFS[name]
    assert terms.last_updated < datetime(2026, 1, 1, tzinfo=UTC)
    honest = sealed_charge(terms=terms, registers=(1000, 1700, 1700, 2400, 2400, 3300)).bundle.encode()
    assert agree(browser, [honest], trust()) == {"good"}
    dice = random.Random(f"{SEED} {name}")  # noqa: S311 - repeatable, and no secret
    for mutate in MUTATIONS.values():
        mutants = [mutate(honest, dice) for _ in range(MUTANTS_EACH)]
        assert "bad" in agree(browser, mutants, trust())
