"""The pages about money at a real CSMS: what they show, to whom, and what their forms do."""

import pytest
from tests.web.money_world import HOSTILE, Business
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
    assert (ruling["verdict"], ruling["person"]) == ("bill", "Kim finance (person finance)")
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


FORMS = ["/quarantine/{honest}"]


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


PAGES = ["/quarantine", "/quarantine/{honest}"]


@pytest.mark.parametrize("path", PAGES)
def test_whoever_lacks_the_scope_sees_no_figure(earned: Business, path: str) -> None:
    path = path.format(honest=earned.sessions["honest"], account=earned.account, dispute=earned.dispute)
    refused = earned.browser("partner").page(path, 403)
    assert "EUR" not in refused
    assert "kWh" not in refused
    nobody = earned.csms.http.get(path, headers={"Authorization": ""})
    assert (nobody.status_code, nobody.headers["location"].partition("?")[0]) == (303, "/login")
    assert earned.browser("owner").page(path)


def test_whoever_may_not_read_energy_sees_sessions_without_it(earned: Business) -> None:
    shown = earned.browser("support").seen(f"/quarantine/{earned.sessions['overcharged']}")
    assert "Your roles do not include energy." in shown
    assert "kWh" not in shown
    assert "EUR" not in shown
