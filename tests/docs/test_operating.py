import re
from typing import Any

import msgspec
from tests.support.doc_tree import ROOT

from wattseal.app.settings import Settings
from wattseal.app.settings_base import Section
from wattseal.cli import main as cli
from wattseal.flow.privacy.links import LINK_MS

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
    section = TEXT.split("## How long things are kept", 1)[1].split("\n## ", 1)[0]
    told = {
        found[2]: int(found[1]) for found in re.finditer(r"\| (\d+) (?:days|years)[^|]*\| `([a-z_.]+)` \|", section)
    }
    settings = Settings()
    assert told == {
        "frames.days": settings.frames.days,
        "devices.customer_days": settings.devices.customer_days,
        "uploads.keep_days": settings.uploads.keep_days,
        "billing.retention_years": settings.billing.retention_years,
    }
    assert LINK_MS == 7 * 86_400_000
