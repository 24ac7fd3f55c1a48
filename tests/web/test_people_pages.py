"""The pages about people: invited, given roles, off-boarded; and the audit that names who did it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.web.office import PASSWORD, Office, office

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("people")) as made:
        owner = made.visitor()
        given = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD, "again": PASSWORD}
        assert owner.post(urlsplit(made.link or "").path, **given).status_code == 303
        made.staff["owner"] = owner
        yield made


def invited(running: Office, **fields: str) -> str:
    """Invite somebody over the page, and return the path of the link it shows."""
    answer = running.staff["owner"].send("/people", **fields)
    assert answer.status_code == 200, answer.text
    found = re.search(r"<code>http://[^/]+(/join/[\w-]{43})</code>", answer.text)
    assert found is not None
    return found[1]


def person_named(running: Office, name: str) -> str:
    rows = [one["id"] for one in running.api("GET", "/people").json() if one["name"] == name]
    assert len(rows) == 1
    found: str = rows[0]
    return found


def test_an_owner_invites_a_person_whose_link_is_shown_once(running: Office) -> None:
    link = invited(running, **{"name": HOSTILE, "email": "bo@example.org", "role-support": "yes"})
    page = running.staff["owner"].get("/people").text
    assert link not in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    bo = running.visitor()
    assert bo.post(link, password=PASSWORD, again=PASSWORD).status_code == 303
    assert bo.signed_in
    assert bo.get("/people").status_code == 403
    assert running.visitor().get(link).status_code == 404


def test_what_a_person_did_stands_in_the_audit_under_their_name(running: Office) -> None:
    owner = running.staff["owner"]
    invited(running, **{"name": "Cy", "role-operator": "yes"})
    cy = person_named(running, "Cy")
    fields = {"do": "roles", "role-auditor": "yes", "role-finance": "yes"}
    assert owner.send(f"/people/{cy}", **fields).status_code == 303
    page = owner.says("/audit")
    assert "Ada" in page
    assert "roles_changed finance, auditor" in page
    me = person_named(running, "Ada")
    assert "roles_changed" in owner.says(f"/audit?days=1&who=person/{me}")
    assert "Nothing was changed" in owner.says(f"/audit?days=1&who=person/{cy}")


def test_rights_end_with_the_next_request_and_off_boarding_wants_a_tick(running: Office) -> None:
    owner = running.staff["owner"]
    dee = running.hired("auditor", name="Dee")
    assert dee.get("/people").status_code == 200
    assert dee.post("/people", csrf=dee.csrf(), name="X").status_code == 403
    assert owner.send(f"/people/{dee.person}", **{"do": "roles", "role-support": "yes"}).status_code == 303
    assert dee.get("/people").status_code == 403
    assert owner.send(f"/people/{dee.person}", do="off-board").status_code == 422
    assert dee.signed_in
    assert owner.send(f"/people/{dee.person}", do="off-board", sure="yes").status_code == 303
    assert not dee.signed_in
    assert owner.send(f"/people/{dee.person}", do="erase", sure="yes").status_code == 303
    assert "Dee" not in owner.says("/people")


def test_a_page_says_why_something_cannot_be(running: Office) -> None:
    owner = running.staff["owner"]
    me = person_named(running, "Ada")
    assert "this is the last owner" in owner.send(f"/people/{me}", do="off-board", sure="yes").text
    assert "at least one role" in owner.send("/people", name="Nobody").text
    assert "names the party" in owner.send("/people", **{"name": "P", "role-partner": "yes"}).text
    assert owner.send(f"/people/{me}", do="something").status_code == 422
    assert owner.get(f"/people/{'0' * 32}").status_code == 404
