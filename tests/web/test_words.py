"""The words of the pages: every one a template shows is there in German too."""

import ast
import json
import re
from importlib.resources import files
from pathlib import Path

from wattseal.serve.web.nav import NAVIGATION

WEB = Path(str(files("wattseal.serve.web")))
_SAID = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")
_FIELD = re.compile(r"\{(\w+)\}")


def german() -> dict[str, str]:
    found: dict[str, str] = json.loads((WEB / "texts" / "de.json").read_text("utf-8"))
    return found


def said() -> set[str]:
    texts = [file.read_text("utf-8") for kind in ("templates/**/*.html", "**/*.py") for file in WEB.glob(kind)]
    places = {name for section, entries in NAVIGATION for name in (section, *(place.name for place in entries))}
    return places | {ast.literal_eval(found) for text in texts for found in _SAID.findall(text)}


def test_every_text_of_a_page_is_there_in_german() -> None:
    assert said()
    assert sorted(said() - german().keys()) == []


def test_a_translation_names_the_same_values_as_the_text() -> None:
    for text, translated in german().items():
        assert set(_FIELD.findall(text)) == set(_FIELD.findall(translated)), text
