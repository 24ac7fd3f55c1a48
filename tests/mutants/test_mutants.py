"""No mutant is taken for valid and nothing honest for invalid: a short run of what `make mutants` does at length."""

import random
from pathlib import Path

import pytest
from tests.mutants import specimens
from tests.mutants.hunt import hunt
from tests.mutants.specimens import SPECIES
from tools.mutants import main

from wattseal.base.errors import InputError
from wattseal.bundle import check, proofs
from wattseal.seal.item import Item

MUTANTS, HONEST = 700, 15


@pytest.mark.parametrize("name", SPECIES)
def test_no_mutant_is_valid_and_no_honest_one_invalid(name: str) -> None:
    for number in range(2):
        tally = hunt(name, 1, number, MUTANTS, HONEST)
        assert tally.wrong == []
        assert tally.mutants + tally.unchanged == MUTANTS
        assert tally.honest == HONEST
        assert tally.refused.total() > MUTANTS // 2


@pytest.mark.parametrize("name", SPECIES)
def test_every_change_changes_something(name: str) -> None:
    dice = random.Random(name)  # noqa: S311 - repeatable on purpose
    made = [SPECIES[name].make(dice).data for _ in range(6)]
    for what, change in SPECIES[name].changes.items():
        assert any(change(data, dice) != data for data in made), what


def test_negative_control_where_signatures_are_not_checked_false_valid_ones_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Item, "verify", lambda *_: True)
    assert any("false VALID" in each for each in hunt("record", 1, 0, 200, 0).wrong)
    unproven = {check._signatures, proofs.check_inclusion, proofs.check_witnesses}
    monkeypatch.setattr(check, "_STEPS", [step for step in check._STEPS if step not in unproven])
    assert any("false VALID" in each for each in hunt("bundle", 1, 0, 400, 0).wrong)


def test_negative_control_a_verifier_that_refuses_everything_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(specimens, "parse_item", _refuse)
    wrong = hunt("record", 1, 0, 0, 5).wrong
    assert len(wrong) == 5
    assert all("false INVALID" in each for each in wrong)


def _refuse(_: bytes) -> None:
    raise InputError("refused", subject="anything")


def test_a_run_keeps_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--mutants", "400", "--honest", "40", "--processes", "1", "--keep", str(tmp_path)]) == 0
    assert "400 mutants" in capsys.readouterr().out
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".json", ".md"]
