"""docs/reference/api.md says what the code does."""

import re

from tests.support.doc_tree import ROOT

from wattseal.rules.scopes import SCOPES

PAGE = (ROOT / "docs" / "reference" / "api.md").read_text()
SCOPE = re.compile(r'"([a-z0-9-]+:[a-z-]+)"')


def test_the_page_lists_every_scope() -> None:
    assert dict(re.findall(r"^\| `([a-z0-9-]+:[a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE)) == SCOPES


def test_every_scope_the_api_demands_exists_and_none_is_idle() -> None:
    source = ROOT / "src" / "wattseal"
    files = (*(source / "serve" / "api").glob("*.py"), source / "flow" / "limits" / "agreed.py")
    used = {scope for file in files for scope in SCOPE.findall(file.read_text())}
    assert used == SCOPES.keys(), "scopes stand in rules/scopes.py and docs/reference/api.md"
