"""docs/reference/roles.md says what the code does."""

import re

from tests.support.doc_tree import ROOT

from wattseal.rules.roles import ROLES, SAYS
from wattseal.rules.scopes import SCOPES

PAGE = (ROOT / "docs" / "reference" / "roles.md").read_text()


def test_the_page_says_what_each_role_is_for() -> None:
    assert dict(re.findall(r"^\| `([a-z]+)` \| (.*) \|$", PAGE, re.MULTILINE)) == SAYS
    assert ROLES.keys() == SAYS.keys()


def test_the_page_has_each_scope_with_the_roles_that_hold_it() -> None:
    head = next(line for line in PAGE.splitlines() if line.startswith("| scope |"))
    assert [cell.strip() for cell in head.split("|")[2:-1]] == list(ROLES)
    told = {}
    for line in PAGE.splitlines():
        if found := re.match(r"\| `([a-z-]+:[a-z-]+)` \|(.*)\|$", line):
            cells = [cell.strip() for cell in found[2].split("|")]
            assert set(cells) <= {"yes", ""}
            told[found[1]] = {role for role, cell in zip(ROLES, cells, strict=True) if cell}
    assert told == {scope: {role for role, held in ROLES.items() if scope in held} for scope in SCOPES}


def test_every_role_but_the_owner_lacks_what_makes_owners() -> None:
    for role, scopes in ROLES.items():
        assert ({"people:write", "api-tokens:write", "commands:write"} <= scopes) is (role == "owner")
    assert not [scope for scope in ROLES["auditor"] if not scope.endswith((":read", ":erased"))]
