"""The lab itself: a campaign says what came of an attack and of its control, and nothing passes for what it is not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wattseal.base.errors import InputError
from wattseal.cli.main import run
from wattseal.lab import catalogue as catalogue_
from wattseal.lab.attack import Attack, Found, Outcome
from wattseal.lab.campaign import Result, Run, as_json
from wattseal.lab.catalogue import NOT_MET, catalogue, chosen
from wattseal.lab.null import swapped, take_out
from wattseal.lab.report import write_report
from wattseal.lab.threats import THREATS

MERKLE = catalogue()["merkle-node-for-leaf"]


def ran(outcome: Outcome, **more: object) -> Run:
    found: dict[str, Any] = {
        "outcome": outcome,
        "evidence": "seen",
        "seconds": None,
        "records": None,
        "figures": [],
        "series": [],
    }
    return Run(found | more, None, 0.1)


def judged(attack: Attack = MERKLE, run_: Run | None = None, control: Run | None = None) -> Result:
    return Result("it", attack, run_ or ran(Outcome.PREVENTED), control or ran(Outcome.MISSED))


def test_every_attack_is_on_a_line_and_says_all_there_is_to_say() -> None:
    for name, attack in catalogue().items():
        assert attack.line in THREATS, name
        assert attack.steps, name
        assert all((attack.title, attack.defence, attack.without, attack.residual)), name
        assert attack.expected in {Outcome.PREVENTED, Outcome.DETECTED, Outcome.BOUNDED}, name


def test_what_is_not_met_has_no_attack() -> None:
    assert not {attack.line for attack in catalogue().values()} & set(NOT_MET)
    assert set(NOT_MET) <= set(THREATS)


def test_an_attack_and_its_control_must_both_hold() -> None:
    assert judged().ok
    assert not judged(run_=ran(Outcome.MISSED)).ok
    assert not judged(run_=ran(Outcome.DETECTED)).ok
    assert not judged(control=ran(Outcome.PREVENTED)).ok
    assert not judged(run_=Run(None, "it broke", 0.1)).ok
    assert not judged(control=Run(None, "it broke", 0.1)).ok


def test_one_that_broke_is_told_as_missed_and_says_why() -> None:
    told = as_json([judged(run_=Run(None, "OSError: no", 0.1))])
    assert not told["ok"]
    assert (told["attacks"][0]["outcome"], told["attacks"][0]["evidence"]) == ("missed", "OSError: no")


def test_lines_and_names_choose_and_strangers_are_refused() -> None:
    assert chosen(("t57",)) == chosen(("merkle-node-for-leaf",)) == ["merkle-node-for-leaf"]
    assert chosen(()) == list(catalogue())
    with pytest.raises(InputError, match="--list"):
        chosen(("nobody",))
    with pytest.raises(InputError, match="cannot be played"):
        chosen(("T39",))


def test_the_command_plays_an_attack_and_writes_both_reports(tmp_path: Path) -> None:
    data, told, page = tmp_path / "data", tmp_path / "told.json", tmp_path / "page.html"
    line = ["attack", "T57", "--json", str(told), "--html", str(page), "--data", str(data), "--jobs", "1"]
    with (tmp_path / "errors").open("w") as errors:
        assert run(line, errors) == 0
    found = json.loads(told.read_text())
    assert found["ok"]
    [first] = [each for each in found["attacks"] if each["outcome"] != "not_met"]
    kept = {key: first[key] for key in ("name", "line", "class", "adversary", "outcome", "negative_control")}
    assert kept == {
        "name": "merkle-node-for-leaf",
        "line": "T57",
        "class": "Evidence",
        "adversary": "insider",
        "outcome": "prevented",
        "negative_control": "held",
    }
    assert "T57" in page.read_text()


def test_an_attack_that_breaks_ends_with_1_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker knows the attack by its file: one that is not there breaks it."""
    known = {"gone": MERKLE, "merkle-node-for-leaf": MERKLE}
    monkeypatch.setattr(catalogue_, "catalogue", lambda: known)
    monkeypatch.setattr("wattseal.lab.campaign.catalogue", lambda: known)
    monkeypatch.setattr("wattseal.cli.attack.compare", lambda *_: [])  # which has tests of its own
    told = tmp_path / "told.json"
    with (tmp_path / "errors").open("w") as errors:
        assert run(["attack", "--all", "--json", str(told), "--jobs", "1"], errors) == 1
    outcomes = {each["name"]: each["outcome"] for each in json.loads(told.read_text())["attacks"] if each["name"]}
    assert outcomes == {"gone": "missed", "merkle-node-for-leaf": "prevented"}


def test_text_of_an_attack_cannot_become_part_of_the_page(tmp_path: Path) -> None:
    hostile = replace(MERKLE, title="<script>alert(1)</script>")
    write_report(
        tmp_path / "page.html", as_json([judged(hostile, ran(Outcome.PREVENTED, evidence="<b>x</b>"))]), "2026-11-29"
    )
    text = (tmp_path / "page.html").read_text()
    assert "<script>" not in text
    assert "<b>x</b>" not in text


def test_series_become_drawings_with_a_table(tmp_path: Path) -> None:
    series = {"plot": "Lost", "name": "sealed", "x_unit": "k", "y_unit": "%", "points": [[1, 0], [10, 50]]}
    write_report(tmp_path / "page.html", as_json([judged(run_=ran(Outcome.PREVENTED, series=[series]))]), "2026-11-29")
    text = (tmp_path / "page.html").read_text()
    assert "<polyline" in text
    assert "<figcaption>Lost</figcaption>" in text


def test_a_report_says_when_it_was_played_what_its_words_mean_and_what_was_not(tmp_path: Path) -> None:
    write_report(tmp_path / "page.html", as_json([judged(run_=ran(Outcome.PREVENTED))]), "2026-11-29")
    text = " ".join((tmp_path / "page.html").read_text().split())
    assert "Played 2026-11-29" in text
    assert "the attacker did not get what was wanted" in text
    assert f'<b class="not_met">{len(NOT_MET)}</b>' in text
    assert '<td class="prevented">1</td>' in text


async def test_a_control_that_takes_out_nothing_is_an_error() -> None:
    with pytest.raises(AttributeError):
        take_out(Found, "no_such_defence", None)
    with pytest.raises(AttributeError), swapped(Found, "no_such_defence", None):
        pass
