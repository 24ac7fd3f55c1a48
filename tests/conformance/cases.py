"""The cases a CSMS is measured by, and the gaps that are admitted."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
STANDARDS = {
    "ocpp201": "OCPP 2.0.1, part 5 (edition 3)",
    "ocpp16": "OCPP 1.6 (edition 2) and OCPP-J 1.6",
    "ocpp16_security": "OCPP 1.6 security whitepaper (edition 3)",
}
"""Inventory -> its standard, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: `need` is M, C, S (should) or O (may); `condition` names the optional feature of a C."""

    id: str
    standard: str
    block: str
    block_title: str
    need: str
    title: str
    condition: str = ""
    profiles: tuple[str, ...] = ()


@cache
def cases() -> dict[str, Case]:
    """Return every case by its id."""
    found: dict[str, Case] = {}
    for standard in STANDARDS:
        blocks = tomllib.loads((HERE / "cases" / f"{standard}.toml").read_text())
        for block, told in blocks.items():
            for case_id, case in told["cases"].items():
                assert case_id not in found, f"{case_id} stands twice"
                profiles = tuple(case.get("profiles", ()))
                condition = case.get("condition", "")
                title, need = case["title"], case["need"]
                found[case_id] = Case(case_id, standard, block, told["title"], need, title, condition, profiles)
    return found


@cache
def gaps() -> dict[str, str]:
    """Return why a case is not covered, by its id."""
    told: dict[str, str] = tomllib.loads((HERE / "gaps.toml").read_text())
    return told
