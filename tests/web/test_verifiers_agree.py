"""The browser's verifier of bundles says what Python's says, step by step, whatever the bytes."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.doc_tree import ROOT
from tests.support.mutants import MUTATIONS
from tests.support.worlds import sealed_charge, trust
from tests.web.peer import Peer, modules, peer
from tests.web.resigned import RESIGNED, resigned
from tests.web.verdicts import judged, without_vehicles

from wattseal.bundle.trust import Trust

VECTORS = ROOT / "docs/spec/vectors"
MUTANTS_EACH = 500
RESIGNED_EACH = 300
SEED = 20261129
Case = dict[str, Any]


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_verifier.mjs", modules(pytestconfig) / "verifier.mjs") as running:
        yield running


def cases(name: str) -> list[Case]:
    found: list[Case] = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return found


def agree(browser: Peer, pairs: Iterable[tuple[Case, Case]]) -> int:
    """Ask both, compare all they say, and return how many were asked."""
    questions, answers = zip(*pairs, strict=True)
    differ = [
        (question["bundle"], python, other)
        for question, python, other in zip(questions, answers, browser.ask(questions), strict=True)
        if "steps" not in other or python != without_vehicles(other)
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


def test_every_bundle_that_the_tests_of_pythons_verifier_judge_is_judged_alike(browser: Peer, tmp_path: Path) -> None:
    path = tmp_path / "verdicts"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "tests.web.verdicts"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "WATTSEAL_VERDICTS": str(path)}
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "tests/bundle"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:]
    pairs = [json.loads(line) for line in path.read_text().splitlines()]
    assert agree(browser, pairs) > 2000
    assert {answer["verdict"] for _, answer in pairs} == {"VALID", "INVALID", "INCOMPLETE", "UNREADABLE"}
    failing = {step["step"] for _, answer in pairs for step in answer["steps"] if step["result"] == "failed"}
    assert failing >= {0, 1, 2, 3, 4, 5, 6, 9, 11}


@pytest.mark.parametrize("kind", list(MUTATIONS))
def test_mutants_are_judged_alike(browser: Peer, kind: str) -> None:
    honest = sealed_charge(readings=5).bundle.encode()
    dice = random.Random(f"{SEED} {kind}")  # noqa: S311 - repeatable on purpose
    mutants = [MUTATIONS[kind](honest, dice) for _ in range(MUTANTS_EACH)]
    assert agree(browser, (judged(mutant, trust()) for mutant in mutants)) == MUTANTS_EACH


@pytest.mark.parametrize("kind", list(RESIGNED))
def test_what_the_signers_themselves_say_oddly_is_judged_alike(browser: Peer, kind: str) -> None:
    honest = sealed_charge(readings=3).bundle.encode()
    dice = random.Random(f"{SEED} {kind}")  # noqa: S311 - repeatable on purpose
    pairs = [judged(resigned(kind, honest, dice), trust()) for _ in range(RESIGNED_EACH)]
    assert agree(browser, pairs) == RESIGNED_EACH
    reached = {step["step"] for _, answer in pairs for step in answer["steps"] if step["result"] != "not_reached"}
    assert 12 in reached
