"""The CPO's own clock set by a day, back or ahead, with and without a restart, and put right again later."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.no_proofs import NoProofs

from wattseal.app.cpo.tenant import TENANT
from wattseal.app.fsck import run_fsck
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.ports import Batch, Outgoing
from wattseal.lab.grounds.clockwork import Clockwork, Line, clockwork
from wattseal.rules.own_clock import AHEAD_MS, BACK_MS, set_by_ms

DAY_MS = 86_400_000
SESSIONS = {("S1", 1000, 1500), ("S2", 1000, 1500), ("S2", 1500, 2500), ("S1", 1500, 2500)}
REGISTER = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}


@dataclass
class Site:
    """Stations whose clocks are right, at a CPO whose clock is off by `off_ms`."""

    cpo: Clockwork
    restarts: bool
    off_ms: int = 0

    async def at(self, minutes: float) -> None:
        """Let time go by, and do what the clock would."""
        self.cpo.clock.ms = self.cpo.began_ms + round(minutes * 60_000) + self.off_ms
        await self.cpo.listen()
        await self.cpo.round()

    async def set(self, off_ms: int, minutes: float) -> None:
        """Set the CPO's clock."""
        self.off_ms = off_ms
        if self.restarts:
            await self.cpo.restart()
        await self.at(minutes)

    async def start(self, line: Line, wh: int, minutes: float) -> int:
        await self.at(minutes)
        told = {"connectorId": 1, "idTag": "CARD", "meterStart": wh, "timestamp": self.cpo.at(minutes)}
        return int((await line.call("StartTransaction", told))["transactionId"])

    async def meter(self, line: Line, number: int, wh: int, minutes: float) -> None:
        await self.at(minutes)
        values = [{"timestamp": self.cpo.at(minutes), "sampledValue": [{"value": str(wh), **REGISTER}]}]
        await line.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})

    async def stop(self, line: Line, number: int, wh: int, minutes: float) -> None:
        await self.at(minutes)
        told = {"transactionId": number, "meterStop": wh, "timestamp": self.cpo.at(minutes), "reason": "Local"}
        await line.call("StopTransaction", told)


async def day(site: Site, off_ms: int) -> None:
    """Charge before, while and after the clock is off; the stations say something every few minutes."""
    await site.cpo.token("CARD")
    one, two = [await site.cpo.enrol(name) for name in ("S1", "S2")]
    first = await site.start(one, 1000, 1)
    await site.meter(one, first, 1100, 2)
    await site.stop(two, await site.start(two, 1000, 3), 1500, 6)
    await site.set(off_ms, 7)
    await site.meter(one, first, 1300, 8)
    await site.stop(one, first, 1500, 10)
    again = await site.start(two, 1500, 11)
    await site.stop(two, again, 2500, 14)
    await site.set(0, 15)
    last = await site.start(one, 1500, 16)
    for minutes in range(17, 30, 3):
        await site.meter(one, last, 1600 + minutes, minutes)
        await two.call("Heartbeat", {})
    await site.stop(one, last, 2500, 31)
    for minutes in range(32, 40):
        for line in (one, two):
            await line.call("Heartbeat", {})
        await site.at(minutes)


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("off_ms", [DAY_MS, -DAY_MS], ids=["ahead", "back"])
async def test_a_clock_that_is_a_day_off_doubles_no_bill_cries_no_wolf_and_is_told(
    tmp_path: Path, off_ms: int, *, restarts: bool
) -> None:
    async with clockwork(tmp_path / "cpo", {}) as cpo:
        await day(Site(cpo, restarts), off_ms)
        transactions = await cpo.transactions()
        assert Counter((t.station_id, t.start_wh, t.end_wh) for t in transactions) == Counter(SESSIONS)
        billed = [bill.id for t in transactions if (bill := await cpo.bill(t)) is not None]
        kept_back = {t.start_wh for t in transactions if t.billing == "quarantined"}
        assert len(billed) == len(set(billed)) == len(transactions) - len(kept_back)
        assert len(kept_back) == (off_ms < 0), "only the session in whose middle our clock went back is for a person"
        told = {alarm.code for alarm in await cpo.alarms()}
        assert told == {"own_clock_set"} | ({"clock_jumped"} if off_ms < 0 else set())
    assert (await run_fsck(tmp_path / "cpo", trust_file=None)).findings == ()


async def test_a_station_that_falls_silent_after_the_clock_was_put_back_is_missed_as_soon_as_ever(
    tmp_path: Path,
) -> None:
    async with clockwork(tmp_path / "cpo", {}) as cpo:
        site = Site(cpo, restarts=False)
        line = await cpo.enrol("S1")
        await site.set(DAY_MS, 1)
        await line.call("Heartbeat", {})
        await site.at(2)
        await site.set(0, 3)
        for minutes in range(4, 40):
            await site.at(minutes)
        assert "silence" in {alarm.code for alarm in await cpo.alarms()}
        await line.call("Heartbeat", {})
        await site.at(41)
        (silence,) = [alarm for alarm in await cpo.alarms() if alarm.code == "silence"]
        assert silence.over_ms is not None


@pytest.mark.parametrize("looked", [True, False], ids=["looked ahead", "never looked ahead"])
@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
async def test_what_waits_to_be_sent_does_not_wait_until_a_clock_put_back_has_caught_up(
    tmp_path: Path, *, restarts: bool, looked: bool
) -> None:
    tried: list[str] = []

    async def post(party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        del path, body, content_type
        tried.append(party)
        return Delivery.LATER, b""

    async with clockwork(tmp_path / "cpo", {}) as cpo:
        courier = Courier(cpo.world, NoProofs(), post)
        await courier.round()
        cpo.clock.ms += DAY_MS
        relay = b'{"party": "MSP", "item": ""}'
        await cpo.world.journal.commit(Batch(TENANT, outbox=(Outgoing("r", "relay", relay, cpo.clock.ms),)))
        if looked:
            await courier.round()
        assert tried == ["MSP"] * looked
        cpo.clock.ms -= DAY_MS
        if restarts:
            courier = Courier(cpo.world, NoProofs(), post)
        await courier.round()
        assert tried == ["MSP"] * (1 + looked)
        await courier.round()
        assert tried == ["MSP"] * (1 + looked), "with its delay, as ever"


def test_steps_of_time_servers_and_slow_rounds_are_none() -> None:
    assert [set_by_ms(DAY_MS, DAY_MS + went) for went in (10_000, -BACK_MS, AHEAD_MS)] == [0, 0, 0]
    assert set_by_ms(DAY_MS, DAY_MS - BACK_MS - 1) < 0 < set_by_ms(DAY_MS, DAY_MS + AHEAD_MS + 1)
    assert set_by_ms(0, DAY_MS) == 0, "before the first look there is nothing to compare with"
