"""A driver's data over the pages: support makes a link, the driver fetches everything with it once."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from tests.web.chromium import PHONE, chromium
from tests.web.chromium import opened as page_of
from tests.web.office import Office, Visitor, office
from tests.web.project import project
from tests.web.support import words
from tests.web.test_every_page import faults

ANN: dict[str, Any] = {"name": "Ann <script>alert(1)</script>", "city": "Annstadt"}
BEN: dict[str, Any] = {"name": "Ben", "city": "Bentown"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("driver")) as made:
        made.staff["support"] = made.hired("support", name="Sue")
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def axe(pytestconfig: pytest.Config) -> str:
    return (project(pytestconfig) / "node_modules" / "axe-core" / "axe.min.js").read_text()


def opened(running: Office, payer: dict[str, Any], card: str) -> str:
    body = {"kind": "prepaid", "currency": "EUR", "payer": payer}
    account: str = running.api("POST", "/accounts", body).json()["id"]
    token = {"id_token": card, "type": "ISO14443", "status": "Accepted", "account": account}
    assert running.api("POST", "/tokens", token).status_code in {200, 201}
    return account


def link_to(running: Office, account: str) -> str:
    """Have support make a link, and return its path."""
    page = running.staff["support"].send(f"/accounts/{account}/export-link")
    assert page.status_code == 200, page.text
    found = re.search(r"<code>http://[^/]+(/mine/[\w-]{43})</code>", page.text)
    assert found is not None
    assert found[1] not in running.staff["support"].get(f"/accounts/{account}").text
    return found[1]


def archive(answer: httpx.Response) -> zipfile.ZipFile:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    found = zipfile.ZipFile(io.BytesIO(answer.content))
    assert found.testzip() is None
    return found


def test_a_driver_fetches_everything_once_and_nothing_of_others(running: Office) -> None:
    ann, ben = opened(running, ANN, "ANN-1"), opened(running, BEN, "BEN-1")
    path = link_to(running, ann)
    driver = running.visitor()
    for _ in range(3):
        looked = driver.get(path)
        assert "Download my data" in words(looked.text)
    told = archive(driver.post(path))
    everything = "".join(told.read(name).decode("latin-1") for name in told.namelist())
    assert json.loads(told.read("data.json"))["payer"]["name"] == ANN["name"]
    assert [one for one in (ben, "BEN-1", "Bentown") if one in everything] == []
    again = driver.post(path)
    assert again.status_code == 410
    assert "This link was used" in words(again.text)
    assert driver.get(path).status_code == 410
    owners = archive(driver.post(link_to(running, ben)))
    assert b"BEN-1" in owners.read("data.json")


def test_the_page_names_nobody_and_its_address_is_told_to_nobody(running: Office) -> None:
    account = opened(running, ANN, "ANN-2")
    path = link_to(running, account)
    answer = running.visitor().get(path)
    assert ANN["city"] not in answer.text
    assert "alert" not in answer.text
    assert account not in answer.text
    assert "&lt;" not in answer.text
    assert {name: answer.headers[name] for name in ("cache-control", "referrer-policy", "x-robots-tag")} == {
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }
    german = running.visitor()
    german.client.headers["Accept-Language"] = "de"
    assert "Meine Daten herunterladen" in words(german.get(path).text)


def test_a_page_of_another_site_cannot_use_the_link_up(running: Office) -> None:
    path = link_to(running, opened(running, ANN, "ANN-3"))
    driver = running.visitor()
    assert driver.post(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    archive(driver.post(path, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"}))


def test_a_later_link_takes_the_place_of_an_earlier_one_and_a_wrong_one_says_nothing(running: Office) -> None:
    account = opened(running, ANN, "ANN-4")
    first, second = link_to(running, account), link_to(running, account)
    driver = running.visitor()
    gone, never = driver.get(first), driver.get("/mine/nobody")
    assert (gone.status_code, never.status_code) == (404, 404)
    assert gone.text == never.text
    assert driver.post(first).status_code == 404
    archive(driver.post(second))


def test_support_hands_it_out_itself_and_the_audit_names_who(running: Office) -> None:
    account = opened(running, ANN, "ANN-5")
    support = running.staff["support"]
    assert "The driver's data" in support.says(f"/accounts/{account}")
    told = archive(support.send(f"/accounts/{account}/export"))
    data = json.loads(told.read("data.json"))
    assert [one["what"] for one in data["history"]] == ["opened", "exported"]
    assert support.person not in json.dumps(data)
    driver = running.visitor()
    archive(driver.post(link_to(running, account)))
    page = running.hired("auditor", name="Al").says("/audit")
    for line in ("Sue", "exported", "export_link_made", "the driver, by link"):
        assert line in page, line


def test_those_who_only_read_accounts_neither_see_nor_get_it(running: Office) -> None:
    account = opened(running, ANN, "ANN-6")
    finance: Visitor = running.hired("finance", name="Fay")
    assert "The driver's data" not in finance.says(f"/accounts/{account}")
    for action in ("export", "export-link"):
        assert finance.send(f"/accounts/{account}/{action}").status_code == 403
        assert running.staff["support"].post(f"/accounts/{account}/{action}", csrf="0" * 64).status_code == 403


def test_an_emsps_account_offers_nothing_and_gives_nothing(running: Office) -> None:
    assert running.api("POST", "/accounts", {"kind": "partner", "currency": "EUR", "id": "XYZ"}).status_code == 201
    support = running.staff["support"]
    assert "The driver's data" not in support.says("/accounts/XYZ")
    assert support.send("/accounts/XYZ/export").status_code == 422


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_driver_fetches_it_in_a_browser_on_a_phone(
    running: Office, browser: Browser, axe: str, scheme: str, tmp_path: Path
) -> None:
    path = link_to(running, opened(running, ANN, f"ANN-{scheme}"))
    with page_of(browser, size=PHONE, color_scheme=scheme) as (page, seen):
        page.goto(running.base + path)
        assert faults(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        with page.expect_download() as waited:
            page.get_by_role("button", name="Download my data").click()
        file = tmp_path / waited.value.suggested_filename
        waited.value.save_as(file)
        assert zipfile.ZipFile(file).testzip() is None
        page.goto(running.base + path)
        expect(page.get_by_role("heading")).to_have_text("This link was used")
        assert faults(page, axe) == []
        assert not seen.dialogs


def test_the_page_of_an_account_with_a_link_has_no_serious_fault(running: Office, browser: Browser, axe: str) -> None:
    account, support = opened(running, ANN, "ANN-axe"), running.staff["support"]
    cookies = {"wattseal": support.secret}
    with page_of(browser, cookies=cookies, base=running.base, base_url=running.base) as (page, seen):
        page.goto(f"/accounts/{account}")
        page.get_by_role("button", name="Make a link for the driver").click()
        expect(page.locator("#driver-data code")).to_contain_text("/mine/")
        expect(page.locator("#driver-data")).not_to_contain_text("<")
        with page.expect_download() as waited:
            page.get_by_role("button", name="Download it here").click()
        assert waited.value.suggested_filename == f"wattseal-{account[:8]}.zip"
        assert faults(page, axe) == []
        assert not seen.errors
        assert not seen.dialogs
