"""The pages of tokens and accounts at a real CSMS: search, who pays, what is there, block and let charge."""

from decimal import Decimal

from tests.support.stations import ask, dialled
from tests.web.money_world import HOSTILE, Business
from tests.web.support import words


def authorised(business: Business, id_token: str) -> str:
    with dialled(business.csms, "D1") as socket:
        return str(ask(socket, "Authorize", {"idTag": id_token})["idTagInfo"]["status"])


def test_a_token_is_enrolled_found_blocked_and_let_charge_again(earned: Business) -> None:
    support = earned.browser("support")
    fields = {"action": "enrol", "id_token": "F<b>LEET", "type": "ISO14443", "account": earned.account}
    assert support.send("/tokens", **fields, status="Accepted").status_code == 303
    page = support.page("/tokens?q=f%3Cb%3Eleet")
    assert "<b>LEET" not in page
    assert "F<b>LEET ISO14443 good us" in words(page)
    assert "No token fits this search." in support.seen("/tokens?q=nobody")
    assert authorised(earned, "F<b>LEET") == "Accepted"
    assert support.send("/tokens", action="block", key="f<B>leet").status_code == 303
    assert authorised(earned, "F<b>LEET") == "Blocked"
    assert "F<b>LEET" in support.seen("/tokens?status=Blocked")
    assert support.send("/tokens", action="accept", key="F<b>LEET").status_code == 303
    assert authorised(earned, "F<b>LEET") == "Accepted"


def test_what_is_wrong_with_a_token_is_said_in_words(earned: Business) -> None:
    support = earned.browser("support")
    wrong = {"action": "enrol", "id_token": "X", "type": "ISO14443", "status": "Accepted", "account": "nobody"}
    assert "there is no such account; open it first" in words(support.send("/tokens", **wrong).text)
    assert "choose a type" in words(support.send("/tokens", **{**wrong, "type": "magic"}).text)
    assert "there is no such token" in words(support.send("/tokens", action="block", key="X").text)
    assert earned.browser("auditor").page("/tokens", 403)


def test_an_account_shows_who_pays_what_is_there_and_its_statement(earned: Business) -> None:
    finance = earned.browser("finance")
    listed = finance.page("/accounts?q=j%C3%BCrgen")
    assert HOSTILE not in listed
    assert earned.account[:8] in words(listed)
    assert "No account fits this search." in finance.seen("/accounts?q=nobody")
    shown = finance.seen(f"/accounts/{earned.account}")
    found = earned.csms.http.get(f"/api/v1/accounts/{earned.account}").json()
    balance, held = Decimal(found["balance"]), Decimal(found["held"])
    assert f"Balance {balance + held} EUR below zero is owed of it held for charges {held} EUR" in shown
    assert f"May still be charged {balance + 500} EUR limit: 500.00 EUR" in shown
    assert f"Jürgen {HOSTILE}" in shown
    assert "charge" in shown
    assert "at the end" in shown
    assert "Statement" not in earned.browser("support").seen(f"/accounts/{earned.account}")
    finance.page("/accounts/nobody", 404)


def test_an_account_is_opened_blocked_and_opened_again_in_signed_records(earned: Business) -> None:
    finance = earned.browser("finance")
    wrong = finance.send("/accounts", kind="credit", currency="EUR", name="Fleet Ltd")
    assert "an account on credit has a limit" in words(wrong.text)
    sent = finance.send("/accounts", kind="credit", currency="eur", name="Fleet Ltd", limit="250", text="new fleet")
    path = sent.headers["location"].partition("?")[0]
    assert "Opened, in a signed record without a name." in finance.seen(sent.headers["location"])
    assert "fill in every field" in words(finance.send(path, action="blocked").text)
    for action, status in (("blocked", "blocked"), ("open", "open"), ("closed", "closed")):
        before = earned.csms.http.get(f"/api/v1{path}").json()["record"]
        assert finance.send(path, action=action, text="as agreed").status_code == 303
        after = earned.csms.http.get(f"/api/v1{path}").json()
        assert after["status"] == status
        assert after["record"] != before
    assert earned.browser("support").send(path, action="open", text="please").status_code == 403
