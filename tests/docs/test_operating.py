import re
from typing import Any

import msgspec
from tests.support.doc_tree import ROOT

from wattseal.app.policy import policy_of
from wattseal.app.settings import Settings
from wattseal.app.settings_base import Section
from wattseal.app.settings_retention import MOVED, Retention
from wattseal.cli import main as cli
from wattseal.rules.retention import LEGAL_YEARS, SCHEDULE, lasts

TEXT = (ROOT / "docs/operating.md").read_text()


def section_of(kind: Any) -> type[Section]:
    inner = kind.__args__[0] if hasattr(kind, "__args__") else kind
    assert issubclass(inner, Section)
    section: type[Section] = inner
    return section


def test_every_setting_is_documented_with_its_default_and_none_is_invented() -> None:
    documented = dict(re.findall(r"^\| `([a-z_\[\]]+\.[a-z0-9_]+)` \| ([^|]+) \|", TEXT, re.MULTILINE))
    expected = {}
    for table in msgspec.structs.fields(Settings):
        section = section_of(table.type)
        name = f"[[{table.name}]]" if section is not table.type else table.name
        for field in msgspec.structs.fields(section):
            expected[f"{name}.{field.name}"] = shown_default(field)
    assert documented == expected


def shown_default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return "empty"
    match field.default:
        case msgspec.NODEFAULT:
            return "required"
        case None:
            return "not set"
        case ():
            return "empty"
        case value:
            return f"`{value}`"


def test_the_exit_codes_are_those_of_the_command() -> None:
    for code in (
        cli.EXIT_USAGE,
        cli.EXIT_INPUT,
        cli.EXIT_DEFECT,
        cli.EXIT_SYSTEM,
        cli.EXIT_CONFIG,
        cli.EXIT_INTERRUPTED,
    ):
        assert f"\n| {code} |" in TEXT


def test_how_long_things_are_kept_is_what_the_settings_say() -> None:
    whole = TEXT.split("## How long things are kept", 1)[1].split("\n## ", 1)[0]
    section, law = whole.split("\n### What the law asks", 1)
    rows = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in section.splitlines() if row[:1] == "|"]
    policy = policy_of(Settings()).retention
    assert rows[2:] == [
        (line.what, lasts(line, policy), f"`retention.{line.setting}`" if line.setting else "", line.then)
        for line in SCHEDULE
    ]
    days = {field.name for field in msgspec.structs.fields(Retention)} - {"business_year_ends"}
    assert {line.setting for line in SCHEDULE} >= days
    assert all(re.search(rf"\| {country} \| {years} \|", law) for country, years in LEGAL_YEARS.items())
    assert all(f"`{old}`" in section for old in MOVED)
