"""What a meter signed, and what an EVSE delivered at a time, is paid for with one charge."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN, Evidence
from wattseal.lab.grounds.provider import Provider, provider
from wattseal.lab.null import swapped
from wattseal.parties.emsp import settle
from wattseal.seal.fields import Settlement, SettlementVerdict

HOUR_MS = 3_600_000


@pytest.fixture
async def emsp(tmp_path: Path) -> AsyncIterator[Provider]:
    async with provider(tmp_path / "emsp") as running:
        yield running


def signed(emsp: Provider, start_wh: int, end_wh: int, at_ms: int = AT_MS) -> Evidence:
    end_ms = at_ms + LASTS_MIN * 60_000
    told = (("B", Decimal(start_wh), at_ms), ("E", Decimal(end_wh), end_ms))
    return (("OCMF", emsp.paper.record(told)),)


async def sold(emsp: Provider, start_wh: int, end_wh: int, evidence: Evidence, at_ms: int = AT_MS) -> Settlement:
    """Have the customer's request granted, and ask to be paid for a charge on it."""
    granted = await emsp.authorised(begin_ms=at_ms)
    session = emsp.paper.session(start_wh, end_wh, authorised=granted, begin_ms=at_ms, evidence=evidence)
    return await emsp.settled(emsp.paper.bundle(session, [granted.request, granted.decision, granted.tariff]))


async def test_one_metered_session_is_not_paid_for_under_two_decisions(emsp: Provider) -> None:
    """The operator knows the card's number: it can ask for as many decisions as it likes."""
    evidence = signed(emsp, 1000, 51_000)
    first, again = [await sold(emsp, 1000, 51_000, evidence) for _ in range(2)]
    paid = await emsp.paid()
    assert first.verdict is SettlementVerdict.ACCEPTED
    assert (again.verdict, again.step, again.reason) == (SettlementVerdict.DISPUTED, 7, "evidence_sold_before")
    with swapped(settle, "sold_before", _anything_goes):
        third = await sold(emsp, 1000, 51_000, evidence)
    assert third.verdict is SettlementVerdict.ACCEPTED, "negative control: every check but this one holds"
    assert await emsp.paid() == 2 * paid


async def _anything_goes(*_: object) -> None:
    return None


async def test_the_same_energy_in_other_records_of_the_meter_is_not_paid_for_either(emsp: Provider) -> None:
    assert (await sold(emsp, 1000, 51_000, signed(emsp, 1000, 51_000))).verdict is SettlementVerdict.ACCEPTED
    again = await sold(emsp, 1000, 51_000, signed(emsp, 1000, 51_000))
    assert (again.step, again.reason) == (7, "energy_sold_before")


async def test_control_charges_one_after_the_other_are_paid_and_so_are_those_of_a_new_meter(emsp: Provider) -> None:
    for hour, (start_wh, end_wh) in enumerate(((1000, 51_000), (51_000, 52_000), (0, 50_000))):
        at_ms = AT_MS + hour * HOUR_MS
        answer = await sold(emsp, start_wh, end_wh, signed(emsp, start_wh, end_wh, at_ms), at_ms)
        assert answer.verdict is SettlementVerdict.ACCEPTED, answer
