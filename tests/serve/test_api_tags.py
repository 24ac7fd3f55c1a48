"""ETags on a real process: what has not changed is not shown again."""

import time
from collections.abc import Iterator

import pytest
from tests.support.cpo_process import Cpo, Nursery

PATH = "/api/v1/tokens"


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("tags") / "cpo")
    made.enrol("ST1")
    yield made
    nursery.close()


@pytest.mark.parametrize("path", ["/stations/ST1", "/stations", "/registry/keys"])
def test_what_has_not_changed_is_not_shown_again(cpo: Cpo, path: str) -> None:
    first = cpo.ask("GET", f"/api/v1{path}")
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = cpo.ask("GET", f"/api/v1{path}", If_None_Match=known)
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert cpo.ask("GET", f"/api/v1{path}", If_None_Match='"other"').body == first.body


def test_what_has_changed_is_shown_with_another_tag(cpo: Cpo) -> None:
    before = cpo.ask("GET", PATH)
    cpo.add_token("CARD")
    after = cpo.ask("GET", PATH, If_None_Match=before.headers["etag"])
    assert (after.status, after.json()[0]["id_token"]) == (200, "CARD")
    assert after.headers["etag"] != before.headers["etag"]


def test_problems_bear_no_tag_and_a_tag_is_no_key(cpo: Cpo) -> None:
    assert "etag" not in cpo.ask("GET", "/api/v1/stations/NOBODY").headers
    tag = cpo.ask("GET", "/api/v1/stations").headers["etag"]
    assert cpo.ask("GET", "/api/v1/stations", If_None_Match=tag, Authorization="").status == 401


def test_what_is_no_json_passes_as_it_comes(cpo: Cpo) -> None:
    deadline = time.monotonic() + 20
    while (answer := cpo.ask("GET", "/api/v1/log/checkpoint")).status == 404:
        assert time.monotonic() < deadline, "no checkpoint was published"
        time.sleep(0.1)
    assert (answer.status, "etag" in answer.headers) == (200, False)
