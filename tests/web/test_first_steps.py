"""The wizard on a CSMS that has just been started, with a station that comes while it waits."""

from pathlib import Path

from tests.support.csms import PASSWORD, serving
from tests.support.stations import ask, dialled
from tests.web.support import browser, words


def test_the_first_steps_end_with_a_connected_station_a_token_and_a_price(tmp_path: Path) -> None:
    with serving(tmp_path) as fresh:
        owner = browser(fresh, "owner")
        assert 'href="/welcome"' in owner.page("/")
        assert owner.ask("POST", "/welcome/station", data={"id": "W1", "password": PASSWORD}).status_code == 403
        assert "bytes" in words(owner.send("/welcome/station", id="W1", password="short").text)
        enrolled = owner.send("/welcome/station", id="W1", password=PASSWORD)
        assert enrolled.headers["location"] == "/welcome?station=W1"
        waiting = owner.page("/welcome?station=W1")
        assert fresh.ocpp.partition("://")[2] + "W1" in waiting
        assert 'hx-trigger="every 2s"' in waiting
        with dialled(fresh, "W1") as socket:
            ask(socket, "BootNotification", {"chargePointVendor": "ACME", "chargePointModel": "One"})
            there = owner.page("/welcome?station=W1")
            assert "Connected. OCPP 1.6" in words(there)
            assert "every 2s" not in there
            assert "enrolled already" in words(owner.send("/welcome/station", id="w1", password=PASSWORD).text)
            owner.send("/welcome/token", station="W1", id_token="TAG-W")
            price = {"energy": "0,49", "currency": "EUR", "country": "DE", "vat": "19"}
            owner.send("/welcome/tariff", station="W1", **price)
            said = owner.seen("/welcome?station=W1")
            assert "There are tokens." in said
            assert "There is a tariff, assigned." in said
            assert ask(socket, "Authorize", {"idTag": "TAG-W"})["idTagInfo"]["status"] == "Accepted"
