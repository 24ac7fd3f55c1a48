import re

from tests.support.doc_tree import ROOT, tracked

ROW = re.compile(
    r"^\| (T\d\d) \| ([^|]+) \| (channel|station|insider|partner|web) \| ([PDB][^|]*) \| ([^|]+) \|$", re.MULTILINE
)
TEXT = (ROOT / "docs/threat-model.md").read_text()


def test_every_threat_has_one_line_in_order() -> None:
    assert [row[0] for row in ROW.findall(TEXT)] == [f"T{n:02}" for n in range(1, 79)]


def test_a_line_is_met_by_tests_that_exist_or_says_that_it_is_not() -> None:
    tests = "\n".join(p.read_text() for p in tracked() if p.suffix == ".py" and "tests" in p.parts)
    defined = set(re.findall(r"def (test_\w+)", tests))
    for threat, _, _, _, status in ROW.findall(TEXT):
        named = re.findall(r"`(test_\w+)`", status)
        word = status.partition(":")[0]
        assert (word in ("met", "partly")) if named else (status == "not yet met"), threat
        assert set(named) <= defined, f"{threat} names {set(named) - defined}"


def test_what_is_not_defended_is_said() -> None:
    assert "## Not defended" in TEXT
