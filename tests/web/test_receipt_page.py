"""The receipt checks itself in a real browser, without network too; what was changed is refused, and named."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.support.doc_tree import ROOT
from tests.web.chromium import DESKTOP, PHONE, chromium, opened
from tests.web.project import project
from tests.web.receipt_world import LOGGED, SIGNED, Receipts, receipts
from tests.web.test_every_page import faults

from wattseal.seal import dcbor

GREEN = "This bill is what the meter signed"
RED = "This bill is not what was signed"
GREY = "This cannot be told yet"


@pytest.fixture(scope="module")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receipts]:
    with receipts(tmp_path_factory.mktemp("receipts")) as made:
        made.bundle(SIGNED)
        made.bundle(LOGGED)
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def verdict(page: Page, light: str, words: str) -> None:
    expect(page.locator(f"#verdict .verdict.{light} h2")).to_have_text(words)


def instead(page: Page, path: str, body: bytes, content: str = "application/cbor") -> None:
    """Let the network answer an address with something else, as whoever sits on it can."""

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type=content, body=body)

    page.route(f"**{path}", answer)


def test_a_receipt_says_what_was_bought_and_that_its_meter_signed_it(sold: Receipts, browser: Browser) -> None:
    with opened(browser, size=PHONE, timezone_id="Europe/Berlin") as (page, seen):
        page.goto(sold.address(SIGNED))
        verdict(page, "good", GREEN)
        text = page.locator("main").inner_text().replace("\u202f", " ")
        for said in ("8.69 EUR", "12.500 kWh", "35 min", "Depot, Am Güterbahnhof 4, Köln", "G3", "19 %", "7 %"):
            assert said in text, said
        steps = page.locator("#trace tbody tr").all_inner_texts()
        assert [" ".join(step.replace("\u00d7", "x").split()) for step in steps] == [
            "Per session once a session 0.75 EUR + 19 % tax 0.75 EUR",
            "Energy the first that applies then 10 kWh x 0.49 EUR/kWh + 19 % tax 4.90 EUR",
            "Energy the first that applies then 2.5 kWh x 0.39 EUR/kWh + 19 % tax 0.975 EUR",
            "Charging time not priced: free 20 min 0.00 EUR",
            "Standing time always applies 15 min x 3.00 EUR/h + 7 % tax 0.75 EUR",
        ]
        assert not seen.errors


def test_it_speaks_german(sold: Receipts, browser: Browser) -> None:
    with opened(browser, locale="de-DE") as (page, seen):
        page.goto(sold.address(SIGNED))
        verdict(page, "good", "Diese Rechnung ist, was der Zähler signiert hat")
        assert page.locator(".sum").first.inner_text().replace("\u202f", " ") == "8,69 EUR"
        assert not seen.errors


def test_what_the_csms_alone_recorded_is_never_green(sold: Receipts, browser: Browser) -> None:
    with opened(browser) as (page, _):
        page.goto(sold.address(LOGGED))
        verdict(page, "weak", "This bill is what the operator recorded; no meter or station signed it")


def test_with_the_network_cut_it_checks_again_and_after_a_reload_too(sold: Receipts, browser: Browser) -> None:
    with opened(browser) as (page, _):
        page.goto(sold.address(SIGNED))
        verdict(page, "good", GREEN)
        expect(page.locator("html[data-kept=yes]")).to_have_count(1)
        page.context.set_offline(True)
        page.evaluate("document.getElementById('verdict').replaceChildren()")
        page.get_by_role("button", name="Check again").click()
        verdict(page, "good", GREEN)
        page.reload()
        verdict(page, "good", GREEN)
        expect(page.get_by_text("You are offline")).to_be_visible()


def test_a_page_nobody_kept_is_gone_with_the_network(sold: Receipts, browser: Browser) -> None:
    with opened(browser) as (page, _):
        page.context.set_offline(True)
        with pytest.raises(Exception, match="ERR_INTERNET_DISCONNECTED"):
            page.goto(sold.address(SIGNED))


def test_a_changed_bundle_is_refused_and_the_field_is_named(sold: Receipts, browser: Browser) -> None:
    value = dcbor.decode(sold.bundle(SIGNED), max_bytes=2**24)
    exponent, mantissa = value[6][7]
    value[6][7] = [exponent, mantissa + 100]
    with opened(browser) as (page, _):
        instead(page, f"{sold.paths[SIGNED]}/bundle", dcbor.encode(value))
        page.goto(sold.address(SIGNED))
        verdict(page, "bad", RED)
        told = page.locator("#verdict .failure").inner_text()
        assert "Step 11 failed: The price follows from readings and tariff" in told
        assert "cdr_differs" in told
        assert "total_incl_vat" in told
        assert page.get_by_text("nothing proves what this page shows").is_visible()
        assert not page.get_by_text("Meter-signed").is_visible()


def test_a_changed_reading_is_refused_and_its_record_is_named(sold: Receipts, browser: Browser) -> None:
    value = dcbor.decode(sold.bundle(SIGNED), max_bytes=2**24)
    content = value[2][0][3]
    value[2][0][3] = content[:-1] + bytes([content[-1] ^ 1])
    with opened(browser) as (page, _):
        instead(page, f"{sold.paths[SIGNED]}/bundle", dcbor.encode(value))
        page.goto(sold.address(SIGNED))
        verdict(page, "bad", RED)
        told = page.locator("#verdict .failure").inner_text()
        assert "commitment_mismatch" in told
        assert f"CPO/{SIGNED}" in told


def test_a_page_that_shows_another_price_than_was_signed_is_red(sold: Receipts, browser: Browser) -> None:
    shown = httpx.get(sold.address(SIGNED), headers={"Accept": "text/html"}, trust_env=False).text
    with opened(browser) as (page, _):
        instead(page, sold.paths[SIGNED], shown.replace('"8.69"', '"9.69"').encode(), "text/html; charset=utf-8")
        page.goto(sold.address(SIGNED))
        verdict(page, "bad", RED)
        told = page.locator("#verdict").inner_text()
        assert "9.69 EUR" in told
        assert "8.69 EUR" in told


def test_without_keys_that_anybody_trusts_nothing_is_claimed(sold: Receipts, browser: Browser) -> None:
    with opened(browser) as (page, _):
        page.route("**/trust", lambda route: route.fulfill(status=404))
        page.goto(sold.address(SIGNED))
        verdict(page, "grey", GREY)
        assert "no key that you trust vouches for the signers (trust)" in page.locator("#verdict").inner_text()


def test_openings_come_in_the_fragment_and_are_never_sent(sold: Receipts, browser: Browser) -> None:
    value = dcbor.decode(sold.bundle(SIGNED), max_bytes=2**24)
    fragment = base64.urlsafe_b64encode(dcbor.encode(value[2])).decode().rstrip("=")
    value[2] = []
    with opened(browser) as (page, _):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url + json.dumps(request.headers)))
        instead(page, f"{sold.paths[SIGNED]}/bundle", dcbor.encode(value))
        page.goto(sold.address(SIGNED))
        verdict(page, "grey", GREY)
        page.goto(f"{sold.address(SIGNED)}#open={fragment}")
        verdict(page, "good", GREEN)
        assert asked
        assert not any(fragment[:24] in one for one in asked[1:] if "#" not in one)
        assert not any(fragment[:24] in one.partition("#")[0] for one in asked)


def test_data_stays_data_and_a_receipt_that_is_none_is_told_in_words(sold: Receipts, browser: Browser) -> None:
    with httpx.Client(base_url=sold.base, trust_env=False) as stranger:
        data = stranger.get(sold.paths[SIGNED])
        assert data.json()["charged"] == "8.69"
        page = stranger.get(sold.paths[SIGNED], headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.headers["Content-Type"].startswith("text/html")
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert "no-store" in page.headers["Cache-Control"]
        assert "'unsafe" not in page.headers["Content-Security-Policy"]
        for secret in ("CARD", "Groß"):
            assert secret not in page.text
            assert secret not in stranger.get(f"{sold.paths[SIGNED]}/trust").text
    with opened(browser) as (seen, _):
        answer = seen.goto(f"{sold.base}/r/{'A' * 24}")
        assert answer is not None
        assert answer.status == 404
        expect(seen.get_by_role("heading", name="There is no such receipt")).to_be_visible()


@pytest.mark.parametrize("look", ["phone", "desk, dark"])
def test_receipt_and_check_have_no_serious_fault_and_fit(
    sold: Receipts, browser: Browser, pytestconfig: pytest.Config, look: str
) -> None:
    axe = (project(pytestconfig) / "node_modules" / "axe-core" / "axe.min.js").read_text()
    size, scheme = (PHONE, "light") if look == "phone" else (DESKTOP, "dark")
    for address in (sold.address(SIGNED), sold.address(LOGGED), f"{sold.base}/check"):
        with opened(browser, size=size, color_scheme=scheme) as (page, seen):
            page.goto(address)
            page.wait_for_selector(".verdict, .drop")
            assert faults(page, axe) == []
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
            assert not seen.errors


VECTORS = ROOT / "docs/spec/vectors"


def dropped(page: Page, file: Path) -> None:
    page.set_input_files("#file", file)
    page.wait_for_selector("#result .verdict")


def vector(name: str, folder: Path) -> tuple[Path, str]:
    """Return a file with the record of a golden vector, and its key."""
    told = json.loads((VECTORS / f"ocmf/{name}.json").read_text())
    file = folder / f"{name}.ocmf"
    file.write_text(told["record"])
    return file, told["keys"][0]


@pytest.mark.parametrize("how", ["the site's page", "one file"])
def test_an_ocmf_file_is_checked_where_it_is_dropped(
    sold: Receipts, browser: Browser, tmp_path: Path, how: str
) -> None:
    good, key = vector("curve-secp192r1", tmp_path)
    changed, _ = vector("payload-byte", tmp_path)
    address = f"{sold.base}/check"
    if how == "one file":
        alone = tmp_path / "wattseal-check.html"
        alone.write_bytes(httpx.get(f"{sold.base}/check/download", trust_env=False).content)
        address = alone.as_uri()
    with opened(browser) as (page, seen):
        page.goto(address, wait_until="networkidle")  # its icon too
        page.context.set_offline(True)
        page.fill("#key", key)
        dropped(page, good)
        result = page.locator("#result")
        expect(result.locator(".verdict.good h2")).to_have_text("The meter signed this")
        assert "12.250 kWh" in result.inner_text().replace("\u202f", " ")
        dropped(page, changed)
        page.fill("#key", json.loads((VECTORS / "ocmf/payload-byte.json").read_text())["keys"][0])
        page.locator("#key").blur()
        expect(result.locator(".verdict.bad h2")).to_have_text("The meter did not sign this")
        expect(result).to_contain_text("signature_mismatch")
        assert not seen.errors


def test_a_transparency_file_agrees_with_itself_until_its_key_is_known(
    sold: Receipts, browser: Browser, tmp_path: Path
) -> None:
    record, key = vector("curve-brainpool256r1", tmp_path)
    file = tmp_path / "file.xml"
    text = record.read_text().replace("&", "&amp;").replace("<", "&lt;")
    file.write_text(
        f'<?xml version="1.0"?>\n<values><value><signedData format="OCMF" encoding="plain">{text}</signedData>'
        f'<publicKey encoding="plain">{key}</publicKey></value></values>'
    )
    with opened(browser) as (page, _):
        page.goto(f"{sold.base}/check")
        dropped(page, file)
        expect(page.locator("#result .verdict.weak h2")).to_have_text("The file agrees with itself")
        hostile = tmp_path / "hostile.xml"
        hostile.write_text(file.read_text().replace("<values>", '<!DOCTYPE values [<!ENTITY x "y">]><values>'))
        dropped(page, hostile)
        expect(page.locator("#result .verdict.bad h2")).to_have_text("This file cannot be read")


def test_a_bundle_is_checked_under_the_reader_s_own_trust_file(
    sold: Receipts, browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "charge.wsb"
    file.write_bytes(sold.bundle(SIGNED))
    with opened(browser) as (page, _):
        page.goto(f"{sold.base}/check")
        dropped(page, file)
        expect(page.locator("#result .verdict.grey h2")).to_have_text(GREY)
        page.set_input_files("#trust", sold.csms.trust)
        expect(page.locator("#result .verdict.good h2")).to_have_text("Everything holds: this is what the meter signed")
        expect(page.locator("#result table.trace")).to_be_visible()
