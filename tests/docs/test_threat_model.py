"""The threat model's tables and the lab's catalogue agree, whatever a campaign measured."""

import re

from tests.support.doc_tree import ROOT

from wattseal.lab.catalogue import NOT_MET, catalogue
from wattseal.lab.threats import THREATS

TEXT = (ROOT / "docs/threat-model.md").read_text()
ROW = re.compile(r"^\| (T\d\d) \| (.+?) \| (\w+) \| ([PDB].*?) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
ROWS = {row[0]: row for row in ROW.findall(TEXT)}


def test_every_threat_has_one_line_in_order() -> None:
    assert [row[0] for row in ROW.findall(TEXT)] == [f"T{n:02}" for n in range(1, 79)] == list(THREATS)


def test_a_line_says_what_the_lab_knows_of_it() -> None:
    for threat in THREATS.values():
        told = ROWS[threat.id][1:4]
        assert told == (threat.title, threat.adversary.value, threat.wanted), threat.id


def test_a_line_links_its_attacks_or_says_why_there_is_none() -> None:
    for threat, (_, _, _, _, attacks, result, _) in ROWS.items():
        named = re.findall(r"\[`([\w-]+)`\]\((\S+?)\)", attacks)
        expected = [name for name, attack in catalogue().items() if attack.line == threat]
        assert [name for name, _ in named] == expected, threat
        assert all((ROOT / "docs" / target).is_file() for _, target in named), threat
        if not named:
            assert result == f"not met: {NOT_MET[threat]}", threat


def test_every_result_is_what_is_expected_and_every_control_held() -> None:
    for threat, (_, _, _, _, _, results, _) in ROWS.items():
        attacks = [attack for attack in catalogue().values() if attack.line == threat]
        told = results.split("<br>") if attacks else []
        assert len(told) == len(attacks), threat
        for one, attack in zip(told, attacks, strict=True):
            assert one.startswith(attack.expected.value), threat
            assert one.endswith("(control held)"), threat


def test_the_count_is_right() -> None:
    lines = len({attack.line for attack in catalogue().values()})
    assert f"{lines} of 78 lines can be played today, by {len(catalogue())} attacks." in TEXT


def test_what_is_not_defended_is_said() -> None:
    assert "## Not defended" in TEXT
