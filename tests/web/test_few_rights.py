"""Somebody who may see that there are sessions and nothing else: of a role that an operator could have, in process."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from tests.flow.test_people import PlainHasher
from tests.support.cpo_world import Talker, transactions
from tests.support.money import bill_all, billing_world
from tests.support.no_proofs import NoProofs
from tests.web.support import COOKIE, words

from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.people.sessions import People
from wattseal.flow.world import World
from wattseal.model.person import About, PersonStatus
from wattseal.rules import roles
from wattseal.rules.people_policy import PeoplePolicy
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Service
from wattseal.serve.people import PersonViewers

FIGURES = ("CARD", "10.000", "11.000", "6.00", "10000", "11000", "kWh", "EUR", "<svg class")


@pytest.fixture
async def world() -> World:
    """Return a world with a billed session, and one in quarantine."""
    made = await billing_world()
    talker = Talker(made, "ST1")
    await talker.stop(await talker.start(wh=1000), 11_000)
    await talker.stop(await talker.start(wh=5000, minutes=120), 12_000, minutes=180)
    await bill_all(made)
    return made


@pytest.fixture
async def looking(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Return the browsers of two people who are signed in: one sees sessions, the other their energy and bills too."""
    few = frozenset({"transactions:read"})
    monkeypatch.setitem(cast("dict[str, Any]", roles.ROLES), "few", few)
    monkeypatch.setitem(cast("dict[str, Any]", roles.ROLES), "more", few | {"energy:read", "bills:read"})
    people = People.of(world, ApiTokens(world), PeoplePolicy(), PlainHasher())
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    parts |= {"world": world, "proofs": NoProofs(), "viewers": PersonViewers(people), "people": people}
    transport = httpx.ASGITransport(cast("Any", make_api(Service(**parts))))
    found = {}
    for role in ("few", "more"):
        person = await people.register.add(About(name=role), (role,), "the test", status=PersonStatus.ACTIVE)
        cookies = {COOKIE: await people.begin(person)}
        found[role] = httpx.AsyncClient(transport=transport, base_url="http://test", cookies=cookies)
    yield found
    for client in found.values():
        await client.aclose()


async def test_who_may_not_see_energy_bills_or_tokens_sees_none(
    world: World, looking: dict[str, httpx.AsyncClient]
) -> None:
    billed, quarantined = (t.id for t in await transactions(world))
    places = ("/sessions", "/sessions.csv", f"/sessions/{billed}", f"/why/session/{billed}")
    for path in (*places, "/quarantine", f"/quarantine/{quarantined}"):
        answer = await looking["few"].get(path)
        assert answer.status_code == 200, answer.text
        text = answer.text if path.endswith(".csv") else words(answer.text)
        for figure in FIGURES:
            assert figure not in text.replace("\u202f", ""), (path, figure)
    assert "Your roles do not include energy." in words((await looking["few"].get(f"/quarantine/{quarantined}")).text)
    assert (await looking["few"].get(f"/sessions/{billed}/bundle")).status_code == 403
    assert (await looking["few"].get("/cdrs")).status_code == 403


async def test_who_may_see_them_does(world: World, looking: dict[str, httpx.AsyncClient]) -> None:
    billed = (await transactions(world))[0].id
    text = words((await looking["more"].get(f"/sessions/{billed}")).text)
    for figure in ("10.000 kWh", "11.000 kWh", "6.00 EUR"):
        assert figure in text, figure
    assert "CARD" not in text
