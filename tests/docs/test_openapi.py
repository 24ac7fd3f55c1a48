"""docs/reference/openapi.json and the table of routes are what the code serves."""

import json

from tests.support.doc_tree import ROOT
from tools.make_openapi import described, pages

MADE = described()


def test_the_committed_document_is_what_is_served() -> None:
    stale = [path.name for path, text in pages(MADE).items() if path.read_text() != text]
    assert stale == [], "a change of the API: run `make openapi` and look at the difference"


def test_every_route_is_described_and_needs_a_token_or_says_that_it_needs_none() -> None:
    kept = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())
    assert kept["openapi"].startswith("3.1")
    for path, operations in kept["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (path, method)
            assert {"4XX", "5XX"} <= operation["responses"].keys(), (path, method)
