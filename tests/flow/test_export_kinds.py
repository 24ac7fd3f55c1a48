"""Nothing that is stored is forgotten when a driver asks for it: each kind is exported, or says why not."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.support.doc_tree import ROOT

import wattseal
from wattseal.flow.ports import Batch
from wattseal.flow.privacy.archive import FORMAT
from wattseal.flow.privacy.kinds import EXPORTED, FIELDS, LEFT_OUT, PARTS
from wattseal.flow.privacy.plain import without
from wattseal.flow.privacy.sections import SECTIONS
from wattseal.flow.privacy.tables import TABLES

SOURCE = Path(wattseal.__file__).parent
NOT_THE_CPO = ("parties/", "app/edge", "app/emsp", "cli/emsp")
BY_VARIABLE = {
    "flow/documents.py": (),
    "flow/privacy/erased_documents.py": (),
    "flow/privacy/keeping.py": (),
    "flow/history.py": ("boot", "security_event", "device_event", "event_stream", "vendor_message"),
    "flow/stations/jobs.py": ("firmware_job", "publish_job", "log_job"),
    "flow/stations/shelf.py": ("monitor", "monitoring_level", "display_message"),
}
"""Modules that write documents of a kind they are given, and the kinds they are given."""


def kinds_written() -> Iterator[tuple[str, str]]:
    """Yield (module, kind) of every document that the code of a CPO writes, as far as it names the kind itself."""
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE).as_posix()
        if place.startswith((*NOT_THE_CPO, "serve/api/", "stores/", "lab/")):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            if node.func.id not in {"put", "Put", "removal"}:
                continue
            first = node.args[0]
            assert isinstance(first, ast.Name), f"{place}: a kind of document is named by a constant"
            module = importlib.import_module("wattseal." + place.removesuffix(".py").replace("/", "."))
            yield place, getattr(module, first.id, "")


def test_every_kind_of_document_is_exported_or_left_out_for_a_reason() -> None:
    found = set(kinds_written())
    assert {place for place, kind in found if not kind} == set(BY_VARIABLE)
    written = {kind for _, kind in found if kind} | {kind for kinds in BY_VARIABLE.values() for kind in kinds}
    assert len(written) > 80
    assert sorted(written - EXPORTED.keys() - LEFT_OUT.keys()) == []
    assert sorted(EXPORTED.keys() & LEFT_OUT.keys()) == []
    assert sorted((EXPORTED.keys() | LEFT_OUT.keys()) - written) == []
    assert set(EXPORTED.values()) <= {"account", "payer", *SECTIONS}


def test_every_part_of_a_commit_is_exported_or_left_out_for_a_reason() -> None:
    assert set(Batch.__struct_fields__) == PARTS.keys()
    assert all(PARTS.values())


def test_what_is_taken_out_of_a_document_is_gone_wherever_it_stands() -> None:
    told = {"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}], "h": None}
    assert without(told, dict.fromkeys(("a", "b.c", "e.f", "h.i", "none"), "")) == {
        "b": {"d": 3},
        "e": [{"g": 5}],
        "h": None,
    }
    assert FIELDS.keys() <= EXPORTED.keys() | {"site"}


def test_the_documentation_says_what_each_section_and_file_is() -> None:
    page = (ROOT / "docs" / "how-to" / "driver-data.md").read_text()
    assert [name for name in (*SECTIONS, *TABLES, FORMAT) if f"`{name}`" not in page] == []
