"""The pages about money at a real CSMS: what they show, to whom, and what their forms do."""

import json
import time

import pytest
from tests.web.money_world import HOSTILE, TARIFF, Business
from tests.web.support import words


def test_quarantine_says_in_words_why_a_session_is_not_billed(earned: Business) -> None:
    session = earned.sessions["rolled back"]
    listed = earned.browser("finance").seen("/quarantine")
    assert session[:8] in listed
    assert earned.sessions["honest"][:8] not in listed
    shown = earned.browser("auditor").seen(f"/quarantine/{session}")
    assert "The register is below the end of the session before. register_rolled_back" in shown
    assert "7.000 kWh" in shown
    assert "It would cost 4.20 EUR with tax" in shown
    assert "Bill it as measured" not in shown
    german = earned.browser("finance", "de").seen(f"/quarantine/{session}")
    assert "Der Zählerstand liegt unter dem Ende des Ladevorgangs davor." in german


def test_a_quarantined_session_is_billed_on_a_person_s_word_alone(earned: Business) -> None:
    session, finance = earned.sessions["rolled back"], earned.browser("finance")
    path = f"/quarantine/{session}"
    told = {"verdict": "bill", "text": f"meter replaced {HOSTILE}"}
    assert "tick the box" in words(finance.send(path, **told).text)
    assert "fill in every field" in words(finance.send(path, verdict="waive", sure="yes").text)
    assert earned.csms.http.get(f"/api/v1/transactions/{session}/rulings").json() == []
    assert finance.send(path, **told, sure="yes").status_code == 303
    assert earned.bill(session)["ruling"] is not None
    (ruling,) = earned.csms.http.get(f"/api/v1/transactions/{session}/rulings").json()
    assert (ruling["verdict"], ruling["person"]) == ("bill", earned.person("finance"))
    assert session[:8] not in finance.seen("/quarantine")
    page = finance.page(path)
    assert HOSTILE not in page
    assert HOSTILE in words(page)
    assert "this session has been billed" in words(finance.send(path, **told, sure="yes").text)


def test_a_session_is_waived_and_costs_nothing(earned: Business) -> None:
    session, finance = earned.sessions["also rolled back"], earned.browser("finance")
    sent = finance.send(f"/quarantine/{session}", verdict="waive", text="goodwill", sure="yes")
    assert "Decided: nothing is charged." in finance.seen(sent.headers["location"])
    found = earned.csms.http.get(f"/api/v1/transactions/{session}").json()
    assert (found["billing"], found["billing_reason"]) == ("free", "waived")


FORMS = [
    "/quarantine/{honest}",
    "/tariffs",
    "/tariffs/one?id=DAY",
    "/invoices",
    "/disputes/{dispute}",
    "/tokens",
    "/accounts/{account}",
]


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_or_from_elsewhere_is_refused(earned: Business, path: str) -> None:
    path = path.format(honest=earned.sessions["honest"], account=earned.account, dispute=earned.dispute)
    owner = earned.browser("owner")
    csrf = owner.csrf()
    assert owner.ask("POST", path, data={"verdict": "bill"}).status_code == 403
    other = {"csrf": earned.browser("finance").csrf()}
    assert owner.ask("POST", path, data=other).status_code == 403
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert owner.ask("POST", path, data={"csrf": csrf}, headers=header).status_code == 403
    assert owner.ask("POST", path, data={"csrf": csrf}).status_code != 403, "the control"


PAGES = [
    "/quarantine",
    "/quarantine/{honest}",
    "/tokens",
    "/accounts",
    "/accounts/{account}",
    "/invoices",
    "/invoices/due?month=2026-01",
    "/disputes",
    "/disputes/{dispute}",
]


@pytest.mark.parametrize("path", PAGES)
def test_whoever_lacks_the_scope_sees_no_figure(earned: Business, path: str) -> None:
    path = path.format(honest=earned.sessions["honest"], account=earned.account, dispute=earned.dispute)
    refused = earned.browser("partner").page(path, 403)
    assert "EUR" not in refused
    assert "kWh" not in refused
    nobody = earned.csms.http.get(path, headers={"Authorization": ""})
    assert (nobody.status_code, nobody.headers["location"].partition("?")[0]) == (303, "/login")
    assert earned.browser("owner").page(path)


def test_a_tariff_is_set_from_a_few_fields_shown_and_previewed(earned: Business) -> None:
    operator, finance = earned.browser("operator"), earned.browser("finance")
    fields = {"id": "P&R <b>", "country": "de", "currency": "EUR", "energy": "0,45", "flat": "1", "vat": "19"}
    assert operator.send("/tariffs", **fields).status_code == 403
    sent = finance.send("/tariffs", **fields)
    assert sent.status_code == 303, words(sent.text)
    place = sent.headers["location"].partition("&done")[0]
    assert "0.5355 EUR/kWh + 1.19 EUR a charge, incl. 19 % VAT" in finance.seen(place)
    assert "P&R <b>" in finance.seen("/tariffs")
    assert "P&R <b>" not in finance.page("/tariffs")
    preview = finance.seen(f"{place}&kwh=20&minutes=60")
    assert "11.90 EUR 10.00 EUR before tax; 1.90 EUR tax at 19 %" in preview
    assert "11.90 EUR 10.00 EUR before tax" in finance.seen(place), "an example before anybody asks"
    assert "write a number like 0.45" in finance.seen(f"{place}&kwh=many&minutes=60")
    assert "0,5355 EUR/kWh + 1,19 EUR je Ladevorgang" in earned.browser("auditor", "de").seen(place)


def test_a_tariff_is_assigned_and_taken_away_again(earned: Business) -> None:
    finance = earned.browser("finance")
    parts = [{"type": "FLAT", "price": 1.00, "step_size": 1}]
    element = {"price_components": parts, "restrictions": {"start_time": "22:00", "end_time": "06:00"}}
    tariff = TARIFF | {"id": "NIGHT", "elements": [element]}
    told = {"json": json.dumps(tariff), "ocpi": "2.2.1"}
    assert "say in which time zone" in words(finance.send("/tariffs", **told).text)
    assert finance.send("/tariffs", **told, time_zone="Europe/Berlin").status_code == 303
    place = "/tariffs/one?id=NIGHT"
    assert "no such station" in words(finance.send(place, action="assign", level="station", name="NONE").text)
    assert finance.send(place, action="assign", level="site", name="DEPOT").status_code == 303
    assert "site DEPOT" in finance.seen(place)
    assert "assigned to site/DEPOT" in words(finance.send(place, action="remove", sure="yes").text)
    assert finance.send(place, action="unassign", level="site", name="DEPOT").status_code == 303
    assert finance.send(place, action="remove", sure="yes").status_code == 303
    finance.page(place, 404)


@pytest.mark.parametrize("told", ["{", "[]", '{"id": 1}', json.dumps(TARIFF | {"elements": []})])
def test_what_is_no_tariff_is_refused_in_words(earned: Business, told: str) -> None:
    sent = earned.browser("owner").send("/tariffs", json=told)
    assert sent.status_code == 422
    assert 'role="alert"' in sent.text


def test_a_dispute_shows_both_sides_and_the_step_that_fails(earned: Business) -> None:
    finance = earned.browser("finance")
    assert "commitments: commitment_mismatch" in finance.seen("/disputes")
    page = finance.page(f"/disputes/{earned.dispute}")
    shown = words(page)
    assert "Theirs: It does not hold. Step 5: commitments." in shown
    assert "register_wh 19000 20000" in shown
    assert f"I charged 7 kWh {HOSTILE}" in shown
    assert HOSTILE not in page
    blind = earned.browser("support").seen(f"/disputes/{earned.dispute}")
    assert "19000" in blind, "support reads energy"
    assert "Decide" not in blind


def test_a_dispute_that_is_right_in_part_is_decided_with_other_amounts(earned: Business) -> None:
    finance, path = earned.browser("finance"), f"/disputes/{earned.dispute}"
    told = {"verdict": "partly", "text": "a plug was broken", "sure": "yes"}
    assert "give the right amounts" in words(finance.send(path, **told).text)
    assert "less than what was billed" in words(finance.send(path, **told, net0="4,00", tax0="0,80").text)
    assert finance.send(path, **told, net0="3.00", tax0="0.60").status_code == 303
    session = earned.sessions["overcharged"]
    assert earned.bill(session)["state"] == "reversed"
    assert earned.bill(f"{session}-1")["total_incl_vat"] == "3.60"
    assert "Kim finance" in finance.seen(path)
    assert "Right in part" in finance.seen("/disputes?show=decided")
    assert "has been decided" in words(finance.send(path, **told, net0="1", tax0="0.2").text)


def test_what_is_due_is_shown_issued_and_downloaded(earned: Business) -> None:
    finance, auditor = earned.browser("finance"), earned.browser("auditor")
    month = time.strftime("%Y-%m", time.gmtime(time.time() - 62 * 86_400))
    assert f"due until the end of {month}" in auditor.seen(f"/invoices/due?month={month}")
    assert "this month is not over yet" in auditor.seen("/invoices/due?month=2999-01", 422)
    assert "a month is written like" in auditor.seen("/invoices/due?month=x", 422)
    page = finance.page(f"/invoices/due?month={month}&account={earned.account}")
    assert HOSTILE not in page
    assert f"Invoice: Jürgen {HOSTILE}" in words(page)
    assert "1.000 kWh" in words(page)
    assert auditor.send("/invoices", month=month, sure="yes").status_code == 403
    assert "tick the box" in words(finance.send("/invoices", month=month).text)
    sent = finance.send("/invoices", month=month, sure="yes")
    assert "Issued: 1." in finance.seen(sent.headers["location"])
    listed = finance.seen(f"/invoices?account={earned.account}")
    assert "LW-000001" in listed
    assert "0.60 EUR" in listed
    pdf = finance.ask("GET", "/invoices/LW-000001/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert b"CrossIndustryInvoice" in finance.ask("GET", "/invoices/LW-000001/xml").content
    finance.page("/invoices/LW-000001/exe", 404)
    assert "Nothing is due" in finance.seen(f"/invoices/due?month={month}&account={earned.account}")
