"""Sessions, CDRs and the drawer at a real CSMS: what they show, to whom, and how what was changed afterwards shows."""

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.support.csms import serving
from tests.support.tampering import Edit, another_document, another_group, another_item, tamper
from tests.web.money_world import HOSTILE, Business, charge, put
from tests.web.support import Browser, browser, words

from wattseal.seal.item import Group, Kind

TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "id": HOSTILE,
    "currency": "EUR",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 20.0, "step_size": 1}]}],
    "last_updated": "2026-01-01T00:00:00Z",
}
FOUND_WITHIN_S = 20


@dataclass
class Insider:
    """A CSMS of its own with two billed sessions, whose journal somebody edits."""

    business: Business
    touched: str
    untouched: str

    def browser(self, role: str = "owner") -> Browser:
        return browser(self.business.csms, role)

    def tamper(self, edit: Edit) -> None:
        tamper(self.business.csms.data / "journal.sqlite3", edit)


@pytest.fixture
def insider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Insider]:
    settings = "[billing]\nwait_s = 0\n\n[reproof]\ninterval_s = 0.2\n"
    with serving(tmp_path_factory.mktemp("insider"), witnesses=("MSP",), settings=settings) as csms:
        put(csms, "tariffs/DAY", TARIFF | {"id": "DAY"})
        csms.token("CARD")
        csms.enrol("D1")
        made = Business(csms, {}, "", "")
        sessions = [charge(csms, (1000, 11_000), 8), charge(csms, (11_000, 12_000), 10)]
        for session in sessions:
            made.bill(session)
            csms.bundle(session)
        yield Insider(made, *sessions)


def rows(page: str) -> list[str]:
    """Return the sessions of a list in their order."""
    return [part.partition('"')[0] for part in page.split('<tr id="s-')[1:]]


def test_the_list_is_newest_first_and_says_where_each_session_stands(earned: Business) -> None:
    page = earned.browser("owner").page("/sessions")
    order = [earned.sessions[n] for n in ("half", "overcharged", "also rolled back", "rolled back", "honest")]
    assert [session for session in rows(page) if session in order] == order
    said = words(page)
    assert "10.000 kWh G1 Logged only Billed 6.00 EUR" in said
    assert "CARD" in said


def test_filters_stand_in_the_address_and_leave_what_fits(earned: Business) -> None:
    auditor = earned.browser("owner")
    assert rows(auditor.page("/sessions?state=running")) == []
    assert rows(auditor.page("/sessions?state=broken")) == []
    billed = rows(auditor.page("/sessions?state=billed"))
    assert earned.sessions["honest"] in billed
    every = len(rows(auditor.page("/sessions")))
    at_d1 = [t["id"] for t in earned.csms.transactions("D1")]
    assert sorted(rows(auditor.page("/sessions?station=d1"))) == sorted(at_d1)
    assert rows(auditor.page("/sessions?station=D2")) == []
    assert "No session is like that." in auditor.seen("/sessions?station=D2")
    assert len(rows(auditor.page("/sessions?token=card"))) >= len(at_d1)
    assert rows(auditor.page("/sessions?token=OTHER")) == []
    assert rows(auditor.page("/sessions?until=2020-01-01")) == []
    assert len(rows(auditor.page("/sessions?since=2020-01-01&state=nonsense&grade=G9&until=soon"))) == every
    assert rows(auditor.page("/sessions?site=DEPOT")) == [t["id"] for t in earned.csms.transactions("M1")]
    assert rows(auditor.page("/sessions?site=NOWHERE")) == []


def test_what_a_session_was_cost_and_rests_on_is_on_its_page(earned: Business) -> None:
    session = earned.sessions["honest"]
    finance = earned.browser("finance")
    shown = finance.seen(f"/sessions/{session}")
    for text in ("D1 · EVSE 1", "1.000 kWh → 11.000 kWh", "10.000 kWh", "6.00 EUR", "How the price comes about"):
        assert text in shown
    assert "Energy 10.000 kWh 0.50 EUR/kWh 5.00 EUR 20 % element 1, always applies" in shown
    assert "<svg" in finance.page(f"/sessions/{session}")
    assert "Its records" in shown
    german = earned.browser("finance", "de").seen(f"/sessions/{session}")
    assert "Wie der Preis zustande kommt" in german
    assert finance.ask("GET", "/sessions/ffffffffffffffffffffffffffffffff").status_code == 404
    bundle = finance.ask("GET", f"/sessions/{session}/bundle")
    assert bundle.headers["content-type"] == "application/cbor"


def test_the_drawer_shows_signers_log_witnesses_steps_and_readers(earned: Business) -> None:
    session = earned.sessions["honest"]
    earned.csms.bundle(session)
    auditor = earned.browser("auditor")
    page = auditor.page(f"/why/session/{session}")
    said = words(page)
    for text in (
        "proved again just now, and all of them fit",
        "CPO , this CPO's CSMS",
        "included, verified now",
        "MSP cosigned the log",
        "The registers go on from each other holds",
        "Who charged (token) yes yes no",
    ):
        assert text in said, text
    assert "included, verified now" in words(auditor.page(f"/why/bill/{session}"))
    drawer = auditor.ask("GET", f"/why/session/{session}", headers={"HX-Request": "true"}).text
    assert "<html" not in drawer
    assert 'role="dialog"' in drawer
    assert auditor.ask("GET", f"/why/else/{session}").status_code == 404


def test_who_may_not_see_bills_or_tokens_sees_none(earned: Business) -> None:
    session = earned.sessions["honest"]
    for path in ("/sessions", f"/sessions/{session}", "/sessions.csv"):
        assert "CARD" not in earned.browser("auditor").page(path), path
        assert "CARD" in earned.browser("operator").page(path), path
        assert "6.00\u202fEUR" not in earned.browser("operator").page(path), path
    operator, partner = earned.browser("operator"), earned.browser("partner")
    assert operator.ask("GET", "/cdrs").status_code == 403
    for path in ("/sessions", f"/sessions/{session}", "/sessions.csv", f"/why/session/{session}"):
        assert partner.ask("GET", path).status_code == 403


def test_a_csv_file_holds_what_the_list_shows(earned: Business) -> None:
    found = list(csv.DictReader(io.StringIO(earned.browser("auditor").page("/sessions.csv?state=billed"))))
    honest = next(line for line in found if line["id"] == earned.sessions["honest"])
    assert (honest["energy_wh"], honest["charged"], honest["currency"]) == ("10000", "6.00", "EUR")


def test_cdrs_are_listed_and_handed_out_in_ocpi(earned: Business) -> None:
    session = earned.sessions["honest"]
    finance = earned.browser("finance")
    assert session[:8] in finance.seen("/cdrs")
    told = finance.ask("GET", f"/cdrs/{session}.json").json()
    assert told["total_energy"] == 10
    assert finance.ask("GET", "/cdrs/nothing.json").status_code == 404


def test_a_record_that_was_changed_turns_red_and_names_the_field(insider: Insider) -> None:
    owner = insider.browser()
    assert 'class="broken"' not in owner.page("/sessions")
    assert "Broken" not in owner.seen(f"/sessions/{insider.touched}")
    insider.tamper(another_item(insider.touched, Kind.ENDED, another_group(Group.METER)))
    shown = owner.seen(f"/sessions/{insider.touched}")
    assert "This session was changed after it was recorded." in shown
    assert "Field: meter group" in shown
    drawer = owner.seen(f"/why/session/{insider.touched}")
    assert "It is not. It was changed after it was recorded." in drawer
    page = owner.page("/sessions")
    assert page.count('class="broken"') == 1
    assert f'<tr id="s-{insider.touched}" class="broken">' in page
    assert rows(owner.page("/sessions?state=broken")) == [insider.touched]
    assert "changed after it was recorded" not in owner.seen(f"/sessions/{insider.untouched}")
    assert "all of them fit" in owner.seen(f"/why/session/{insider.untouched}")


def test_it_turns_red_by_the_clock_though_nobody_opens_it_and_green_again_when_put_right(insider: Insider) -> None:
    owner = insider.browser()
    insider.tamper(another_document("transaction", insider.touched, end_wh="12000"))
    await_broken(owner, [insider.touched])
    assert "Field: end_wh" in owner.seen(f"/sessions/{insider.touched}")
    revenue = owner.page("/revenue")
    assert "changed after they were recorded: 1. The sums are not to be trusted." in words(revenue)
    assert f'href="/sessions/{insider.touched}"' in revenue
    assert insider.untouched not in revenue
    assert "badge broken" in revenue
    cdrs = owner.page("/cdrs")
    assert cdrs.count('class="broken"') == 1
    insider.tamper(another_document("transaction", insider.touched, end_wh="11000"))
    await_broken(owner, [])
    assert "badge broken" not in owner.page("/revenue")


def await_broken(owner: Browser, sessions: list[str]) -> None:
    deadline = time.monotonic() + FOUND_WITHIN_S
    while rows(owner.page("/sessions?state=broken")) != sessions:
        assert time.monotonic() < deadline, "it was not proved again"
        time.sleep(0.1)


def test_what_is_hostile_is_shown_as_text(insider: Insider) -> None:
    csms = insider.business.csms
    put(csms, "sites/EVIL", {"name": HOSTILE, "address": HOSTILE, "city": HOSTILE, "country": "DEU"} | GEO)
    owner = insider.browser()
    for path in ("/sessions", f"/sessions?station={HOSTILE}&token={HOSTILE}", "/cdrs"):
        page = owner.page(path)
        assert HOSTILE not in page
    assert HOSTILE in words(owner.page("/sessions"))


GEO = {"latitude": "50.940000", "longitude": "6.960000", "time_zone": "Europe/Berlin"}
