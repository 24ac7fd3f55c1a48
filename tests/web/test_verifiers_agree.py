"""The browser's verifier of bundles says what Python's says, step by step, whatever the bytes."""

import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from msgspec import structs
from tests.support.doc_tree import ROOT
from tests.support.examples import examples
from tests.support.mutants import MUTATIONS
from tests.support.worlds import entries, sealed_charge, trust
from tests.web.peer import Peer, modules, peer
from tests.web.resigned import RESIGNED, resigned
from tests.web.verdicts import judged, said, without_vehicles

from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.trust import Trust
from wattseal.seal import dcbor

VECTORS = ROOT / "docs/spec/vectors"
MUTANTS_EACH = examples(150, usual=40)
RESIGNED_EACH = examples(200, usual=40)
ODD_WORDS = examples(400, usual=40)
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
            **{name: answer[name] for name in ("verdict", "grade", "source", "energy_wh", "identification")},
            "step": first and first["step"],
            "reason": first and first["reason"],
        }


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, Case]]:
    """Return what the tests of Python's verifier have judged."""
    path = tmp_path_factory.mktemp("recorded") / "verdicts"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", "tests.web.verdicts"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "WATTSEAL_VERDICTS": str(path)}
    ran = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "tests/bundle"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout[-2000:]
    return [tuple(json.loads(line)) for line in dict.fromkeys(path.read_text().splitlines())]


def test_every_bundle_that_the_tests_of_pythons_verifier_judge_is_judged_alike(
    browser: Peer, recorded: list[tuple[Case, Case]]
) -> None:
    assert agree(browser, recorded) > 1500
    assert {answer["verdict"] for _, answer in recorded} == {"VALID", "INVALID", "INCOMPLETE", "UNREADABLE"}
    failing = {step["step"] for _, answer in recorded for step in answer["steps"] if step["result"] == "failed"}
    assert failing >= {0, 1, 2, 3, 4, 5, 6, 9, 11}


def test_odd_words_in_any_valid_bundle_of_those_are_judged_alike(
    browser: Peer, recorded: list[tuple[Case, Case]]
) -> None:
    """Meters that sign, keys that were handed over, settlements, prices by time."""
    valid = [question for question, answer in recorded if answer["verdict"] == "VALID"]
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    pairs = []
    for _ in range(ODD_WORDS):
        question, kind = dice.choice(valid), dice.choice(list(RESIGNED))
        with suppress(KeyError, IndexError):  # a bundle without what this kind alters, or signed by keys not at hand
            mutant = resigned(kind, bytes.fromhex(question["bundle"]), dice)
            pairs.append(judged(mutant, Trust.parse(question["trust"].encode())))
    assert agree(browser, pairs) > ODD_WORDS // 2


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
    while not any(reached(answer, 12) for _, answer in pairs) and len(pairs) < 20 * RESIGNED_EACH:
        pairs.append(judged(resigned(kind, honest, dice), trust()))
    assert agree(browser, pairs) == len(pairs)
    assert any(reached(answer, 12) for _, answer in pairs), "something odd is only seen at the last step"


def reached(answer: dict[str, Any], step: int) -> bool:
    return any(one["step"] == step and one["result"] != "not_reached" for one in answer["steps"])


def test_openings_handed_over_apart_show_what_they_would_inside(browser: Peer) -> None:
    """A receipt's bundle may be closed, and its openings come in an address that no server sees."""
    whole = sealed_charge()
    closed = dataclasses.replace(whole.bundle, openings=()).encode()
    told = trust().to_json().decode()
    openings = [dcbor.encode(opening.to_value()).hex() for opening in whole.bundle.openings]
    spoilt = structs.replace(whole.bundle.openings[0], content=b"\xa2\x01\x80\x02\xa0")
    foreign = structs.replace(whole.bundle.openings[0], payload_hash=bytes(32))
    tried = [openings, [], openings[:1], *([dcbor.encode(o.to_value()).hex()] for o in (spoilt, foreign))]
    answers = list(browser.ask({"bundle": closed.hex(), "trust": told, "openings": shown} for shown in tried))
    inside = check_bundle(whole.bundle.encode(), trust())
    assert answers[0] == said(inside)
    assert [answer["verdict"] for answer in answers] == ["VALID", "INCOMPLETE", "INCOMPLETE", "INVALID", "INVALID"]
    assert [answer["steps"][5].get("reason") for answer in answers[1:]] == [
        "opening",
        "opening",
        "commitment_mismatch",
        "opening_of_another_record",
    ]


def test_a_trust_file_that_python_refuses_is_refused(browser: Peer) -> None:
    bundle, good = sealed_charge().bundle.encode().hex(), json.loads(trust(entries=entries()).to_json())
    spoilt = [
        good | {"wattseal_trust": 2},
        good | {"quorum": 0},
        good | {"quorum": "2"},
        good | {"more": 1},
        good | {"logs": {}},
        good | {"logs": [good["logs"][0] | {"party": ""}]},
        good | {"logs": [good["logs"][0] | {"vkey": good["logs"][0]["vkey"][:-4] + "AAAA"}]},
        good | {"registries": [good["registries"][0] | {"public_key": "AAAA"}]},
        good | {"entries": ["oA=="]},
        good | {"entries": ["?"]},
    ]
    texts = [json.dumps(value) for value in spoilt]
    texts += ['{"quorum": 2, ' + json.dumps(good)[1:], json.dumps(good) + "x", ""]
    answers = list(browser.ask({"bundle": bundle, "trust": text} for text in (*texts, json.dumps(good))))
    for text, answer in zip(texts, answers, strict=False):
        with pytest.raises(InputError) as caught:
            Trust.parse(text.encode())
        assert answer == {"code": caught.value.code, "subject": caught.value.subject}, text
    assert answers[-1]["verdict"] == "VALID"


def test_a_long_charge_and_one_too_long_are_judged_alike(browser: Peer) -> None:
    long = sealed_charge(readings=120).bundle.encode()
    assert agree(browser, [judged(long, trust()), judged(long, None), judged(bytes(16 * 1024 * 1024 + 1), None)]) == 3
