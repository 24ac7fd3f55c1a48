"""The words of the pages: every one a template shows is there in German too."""

import ast
import json
import re
from importlib.resources import files
from pathlib import Path

from wattseal.evidence.findings import EFFECTS as FOUND
from wattseal.model.verdict import Finding
from wattseal.rules.billing import AT_BILLING, BELOW_PIN, MISDATED, NO_REGISTER
from wattseal.rules.notes import EFFECTS, quarantine_reasons
from wattseal.rules.runbooks import RUNBOOKS
from wattseal.serve.web.evidence_words import EVIDENCE
from wattseal.serve.web.nav import NAVIGATION
from wattseal.serve.web.reasons import REASONS
from wattseal.serve.web.texts import translated

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
    for text, there in german().items():
        assert set(_FIELD.findall(text)) == set(_FIELD.findall(there)), text


def test_every_reason_against_billing_is_there_in_words() -> None:
    codes = {code for code in EFFECTS if quarantine_reasons([Finding(code)])}
    named = {"not_authorised", "disputed", NO_REGISTER, BELOW_PIN, *MISDATED, *AT_BILLING}
    assert sorted((codes | named) - REASONS.keys()) == []


def test_words_for_evidence_are_of_codes_that_there_are() -> None:
    assert sorted(EVIDENCE.keys() - FOUND.keys() - {"signature_valid", "signature_mismatch"}) == []


def test_every_sentence_of_a_runbook_is_there_in_german_and_none_that_is_said_no_more() -> None:
    sentences = {text for one in RUNBOOKS.values() for text in (one.means, one.check, one.then, one.not_so)}
    kept = json.loads((WEB / "texts" / "runbooks.de.json").read_text("utf-8"))
    assert sorted(sentences - kept.keys() - german().keys()) == []
    assert sorted(kept.keys() - sentences) == []
    assert all(translated("de", text) != text for text in sentences)
