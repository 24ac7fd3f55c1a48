"""Signing in on a real process: the first owner's link, passwords and those who guess them, forms from elsewhere."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
from tests.web.office import PASSWORD, Office, Visitor, office

ADA = "ada@example.org"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as made:
        assert made.link is not None
        link = urlsplit(made.link)
        assert link.hostname == "localhost"
        owner = made.visitor()
        given = {"name": "Ada", "email": ADA, "password": PASSWORD, "again": PASSWORD}
        assert owner.post(link.path, **given).status_code == 303
        made.staff["owner"] = owner
        yield made


def fresh(running: Office, email: str, *roles: str) -> Visitor:
    return running.hired(*(roles or ("support",)), name=email.partition("@")[0], email=email)


def cookie_of(headers: list[str]) -> SimpleCookie:
    made = SimpleCookie()
    for header in headers:
        made.load(header)
    return made


def test_nobody_looks_at_anything_before_signing_in(running: Office) -> None:
    stranger = running.visitor()
    for path in ("/", "/profile", "/quarantine"):
        answer = stranger.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    assert stranger.post("/profile", name="X").status_code == 303


def test_the_first_start_makes_an_owner_by_a_link_that_works_once(running: Office) -> None:
    assert running.link is not None
    path = urlsplit(running.link).path
    assert running.staff["owner"].signed_in
    again = running.visitor()
    assert again.get(path).status_code == 404
    assert again.post(path, name="Mallory").status_code == 404
    assert not again.signed_in
    assert "Mallory" not in running.api("GET", "/people").text


def test_looking_at_a_link_does_not_use_it_and_what_does_not_fit_neither(running: Office) -> None:
    path, visitor = running.owner_link(), running.visitor()
    for _ in range(2):
        assert visitor.get(path).status_code == 200
    for wrong in (
        {"name": ""},
        {"name": "Eve", "email": "no address"},
        {"name": "Eve", "email": "eve@example.org", "password": "short", "again": "short"},
        {"name": "Eve", "email": "eve@example.org", "password": PASSWORD, "again": PASSWORD + "x"},
        {"name": "Eve", "email": "eve@example.org", "password": "aaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaa"},
        {"name": "Eve", "email": "eve@example.org", "password": "Eve@example.org", "again": "Eve@example.org"},
        {"name": "Eve", "password": PASSWORD, "again": PASSWORD},
        {"name": "Eve", "email": ADA.upper(), "password": PASSWORD, "again": PASSWORD},
    ):
        assert visitor.post(path, **wrong).status_code == 422, wrong
    assert visitor.post(path, name="Eve").status_code == 303
    assert visitor.signed_in


def test_no_link_is_used_by_a_page_of_another_site(running: Office) -> None:
    path, visitor = running.owner_link(), running.visitor()
    assert visitor.post(path, {"Origin": "https://elsewhere.example"}, name="Eve").status_code == 403
    assert visitor.post(path, {"Sec-Fetch-Site": "cross-site"}, name="Eve").status_code == 403
    assert visitor.post(path, {"Origin": running.base}, name="Eve").status_code == 303


def test_only_the_administrator_s_token_makes_owner_links(running: Office) -> None:
    body = {"name": "all", "scopes": ["people:write", "people:read", "api-tokens:write"]}
    token = running.api("POST", "/api-tokens", body).json()["secret"]
    assert running.api("POST", "/people/owner-link", Authorization=f"Bearer {token}").status_code == 403
    assert running.api("POST", "/people/owner-link", Authorization="Bearer x").status_code == 401
    assert running.api("POST", "/people/owner-link").status_code == 201


def test_the_cookie_cannot_be_read_by_script_and_goes_to_no_other_site(running: Office) -> None:
    visitor = running.visitor()
    answer = visitor.post("/login", email=ADA, password=PASSWORD)
    made = cookie_of(answer.headers.get_list("set-cookie"))["wattseal"]
    assert (made["httponly"], made["samesite"].lower(), made["path"], made["domain"]) == (True, "lax", "/", "")
    assert len(made.value) == 43
    assert not made["secure"], "there is no TLS here"


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = '[serve]\npublic_url = "https://charging.example"\n'
    with office(tmp_path_factory.mktemp("tls"), settings) as made:
        assert made.link is not None
        assert made.link.startswith("https://charging.example/join/")
        answer = made.visitor(Host="charging.example").post(urlsplit(made.link).path, name="Ada")
        cookie = cookie_of(answer.headers.get_list("set-cookie"))["__Host-wattseal"]
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


def test_signing_in_begins_a_session_of_its_own_whatever_the_browser_brought(running: Office) -> None:
    visitor = running.visitor()
    visitor.client.cookies.set("wattseal", "A" * 43)
    assert visitor.post("/login", email=ADA, password=PASSWORD).status_code == 303
    first = visitor.client.cookies.get("wattseal", domain="127.0.0.1") or ""
    assert first not in {"", "A" * 43}
    visitor.client.cookies.clear()
    visitor.client.cookies.set("wattseal", first)
    assert visitor.signed_in
    visitor.post("/login", email=ADA, password=PASSWORD)
    stolen = running.visitor(Cookie=f"wattseal={first}")
    assert not stolen.signed_in, "signing in again ends the session before"


def test_signing_out_ends_the_session_for_whoever_else_has_its_secret(running: Office) -> None:
    visitor = running.visitor()
    visitor.post("/login", email=ADA, password=PASSWORD)
    other = running.visitor(Cookie=f"wattseal={visitor.secret}")
    assert other.signed_in
    assert visitor.post("/logout").status_code == 403, "without the form's token"
    assert other.signed_in
    assert visitor.send("/logout").status_code == 303
    assert not other.signed_in
    assert not visitor.signed_in


def test_the_answer_is_the_same_whether_there_is_such_a_person_or_not(running: Office) -> None:
    visitor = running.visitor()
    wrong = visitor.post("/login", email=ADA, password="not the password")
    nobody = visitor.post("/login", email="nobody@example.org", password="not the password")
    assert (wrong.status_code, wrong.text) == (nobody.status_code, nobody.text) == (401, wrong.text)
    assert not visitor.signed_in


def test_who_guesses_waits_and_so_does_the_right_password_until_then(running: Office) -> None:
    fresh(running, "gil@example.org")
    visitor = running.visitor()
    told = [visitor.post("/login", email="gil@example.org", password=f"guess number {n}") for n in range(6)]
    assert [answer.status_code for answer in told] == [401] * 5 + [429]
    assert int(told[-1].headers["retry-after"]) >= 1
    assert visitor.post("/login", email="GIL@example.org ", password=PASSWORD).status_code == 429
    nobody = [visitor.post("/login", email="no@example.org", password="x").status_code for _ in range(6)]
    assert nobody == [401] * 5 + [429], "who is not there keeps nobody waiting less"
    assert visitor.post("/login", email=ADA, password=PASSWORD).status_code == 303, "another account is not touched"


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ("/quarantine?after=x", "/quarantine?after=x"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("https://elsewhere.example/", "/"),
        ("/\t/elsewhere.example", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_a_browser_goes_to_a_page_of_ours(running: Office, told: str, where: str) -> None:
    visitor = running.visitor()
    answer = visitor.post("/login", email=ADA, password=PASSWORD, next=told)
    assert answer.headers["location"] == where


def test_no_form_counts_from_elsewhere_or_without_its_token(running: Office) -> None:
    person = fresh(running, "cleo@example.org")
    token = person.csrf()
    other = running.staff["owner"].csrf()
    fields = {"name": "Cleo", "email": "cleo@example.org"}
    for path in ("/profile", "/profile/password", "/profile/sessions/end", "/profile/passkey/0/remove", "/logout"):
        assert person.post(path, **fields).status_code == 403
        assert person.post(path, csrf=other, **fields).status_code == 403
        assert person.post(path, {"Origin": "https://elsewhere.example"}, csrf=token, **fields).status_code == 403
        assert person.post(path, {"Sec-Fetch-Site": "same-site"}, csrf=token, **fields).status_code == 403
    for path in ("/login", "/login/passkey/challenge"):
        assert person.post(path, {"Origin": "https://elsewhere.example"}).status_code == 403
    assert person.signed_in
    assert person.post("/profile", {"Origin": running.base}, csrf=token, **fields).status_code == 303


def test_a_new_password_ends_the_other_sessions(running: Office) -> None:
    person = fresh(running, "dan@example.org")
    other = running.visitor()
    assert other.post("/login", email="dan@example.org", password=PASSWORD).status_code == 303
    assert other.signed_in
    assert person.send("/profile/password", password="short", again="short").status_code == 422
    assert other.signed_in
    new = "a wholly different one"
    assert person.send("/profile/password", password=new, again=new).status_code == 303
    assert person.signed_in
    assert not other.signed_in
    assert other.post("/login", email="dan@example.org", password=PASSWORD).status_code == 401
    assert other.post("/login", email="dan@example.org", password=new).status_code == 303


def test_sessions_are_listed_and_ended(running: Office) -> None:
    person = fresh(running, "fay@example.org")
    other = running.visitor(**{"User-Agent": "Kiosk <script>"})
    other.post("/login", email="fay@example.org", password=PASSWORD)
    page = person.get("/profile").text
    assert "Kiosk &lt;script&gt;" in page
    ids = re.findall(r'name="session" value="([0-9a-f]+)"', page)
    assert len(ids) == 1
    thief = fresh(running, "thief@example.org")
    thief.send("/profile/sessions/end", session=ids[0])
    assert other.signed_in, "one's own sessions only"
    person.send("/profile/sessions/end", session=ids[0])
    assert not other.signed_in
    assert person.signed_in


def test_who_is_off_boarded_is_out_at_the_next_page(running: Office) -> None:
    person = fresh(running, "gone@example.org")
    assert person.signed_in
    assert running.api("DELETE", f"/people/{person.person}").status_code == 204
    assert not person.signed_in
    assert running.visitor().post("/login", email="gone@example.org", password=PASSWORD).status_code == 401


def test_a_page_speaks_the_person_s_language(running: Office) -> None:
    person = fresh(running, "uwe@example.org")
    fields = {"name": "Uwe", "email": "uwe@example.org", "language": "de", "zone": "Europe/Berlin"}
    assert person.send("/profile", **fields).status_code == 303
    assert "Wege, sich anzumelden" in person.says("/profile")
    assert person.send("/profile", **{**fields, "zone": "../../etc/passwd"}).status_code == 422


def test_the_first_start_with_an_owner_prints_no_link(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("twice")
    with office(folder) as made:
        assert made.link is not None
        first = urlsplit(made.link).path
    with office(folder) as made:
        assert made.link is not None
        visitor = made.visitor()
        assert visitor.get(first).status_code == 404, "the later start's link replaces it"
        given = {"name": "Ada", "email": ADA, "password": PASSWORD, "again": PASSWORD}
        assert visitor.post(urlsplit(made.link).path, **given).status_code == 303
    with office(folder) as made:
        assert made.link is None
        visitor = made.visitor()
        assert visitor.post("/login", email=ADA, password=PASSWORD).status_code == 303
