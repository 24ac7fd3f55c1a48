"""The browser's verifier of bundles says what Python's says, step by step, whatever the bytes."""

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from tests.support.doc_tree import ROOT
from tests.support.mutants import MUTATIONS
from tests.support.worlds import sealed_charge, trust
from tests.web.peer import Peer, modules, peer

from wattseal.bundle.cdr import trace_to_value
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Report
from wattseal.bundle.trust import Trust
from wattseal.seal import dcbor

VECTORS = ROOT / "docs/spec/vectors"
MUTANTS_EACH = 500
SEED = 20261129
Case = dict[str, Any]


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_verifier.mjs", modules(pytestconfig) / "verifier.mjs") as running:
        yield running


def cases(name: str) -> list[Case]:
    found: list[Case] = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return found


def said(report: Report) -> Case:
    """Return a report as the peer spells it; the price itself is compared where prices are."""
    told = report.to_json()
    del told["price"]
    for step in told["steps"]:
        del step["name"]
    for record in told["records"]:
        if not record["reason"]:
            del record["reason"]
    told["points"] = [
        [point.ms, None if point.register_wh is None else format(point.register_wh, "f")] for point in report.points
    ]
    return told


def price_of(report: Report) -> Case:
    """Return what Python found in step 11, for a peer that does not price."""
    if report.price is None:
        failure = report.steps[11].reason
        return {"tariff": "", "needs_readings": failure == "opening", "incomplete": [report.steps[11].field]}
    priced = report.price.priced
    total = priced.total
    return {
        "tariff": report.price.tariff,
        "needs_readings": False,
        "currency": priced.currency,
        "before_tax": format(total.before_tax, "f"),
        "after_tax": None if total.after_tax is None else format(total.after_tax, "f"),
        "taxes": [
            [None if part.percent is None else format(part.percent, "f"), format(part.net, "f"), format(part.tax, "f")]
            for part in priced.taxes
        ],
        "trace": dcbor.encode(trace_to_value(priced.trace)).hex(),
    }


def judged(data: bytes, believed: Trust | None) -> tuple[Case, Case]:
    """Return the peer's question and Python's answer."""
    report = check_bundle(data, believed)
    told = None if believed is None else believed.to_json().decode()
    return {"bundle": data.hex(), "trust": told, "price": price_of(report)}, said(report)


def agree(browser: Peer, pairs: Iterable[tuple[Case, Case]]) -> int:
    """Ask both, compare all they say, and return how many were asked."""
    questions, answers = zip(*pairs, strict=True)
    differ = [
        (question["bundle"], python, other)
        for question, python, other in zip(questions, answers, browser.ask(questions), strict=True)
        if python != other
    ]
    assert not differ, differ[0]
    return len(answers)


def test_every_bundle_vector_is_judged_alike(browser: Peer) -> None:
    vectors = cases("bundle/bundles")
    believed = [Trust.parse(json.dumps(case["trust"]).encode()) if case["trust"] else None for case in vectors]
    pairs = [judged(bytes.fromhex(case["bundle"]), one) for case, one in zip(vectors, believed, strict=True)]
    assert agree(browser, pairs) == len(vectors)
    for case, answer in zip(vectors, browser.ask(question for question, _ in pairs), strict=True):
        failures = [step for step in answer["steps"] if step["result"] in {"failed", "incomplete"}]
        first = min(failures, key=lambda step: (step["result"] != "failed", step["step"]), default=None)
        assert case["expect"] == {
            **{name: answer[name] for name in ("verdict", "grade", "source", "energy_wh")},
            "step": first and first["step"],
            "reason": first and first["reason"],
        }


@pytest.mark.parametrize("kind", list(MUTATIONS))
def test_mutants_are_judged_alike(browser: Peer, kind: str) -> None:
    honest = sealed_charge(readings=5).bundle.encode()
    dice = random.Random(f"{SEED} {kind}")  # noqa: S311 - repeatable on purpose
    mutants = [MUTATIONS[kind](honest, dice) for _ in range(MUTANTS_EACH)]
    assert agree(browser, (judged(mutant, trust()) for mutant in mutants)) == MUTANTS_EACH
