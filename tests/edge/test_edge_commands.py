"""Commands at an edge: signed, as they were sent, for this station, in time, once; what is refused is told."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.edge.edge_bench import Bench, MemoryCsms, bench, result
from tests.edge.edge_world import LOG, key, seeded, site

from wattseal.app.edge import memory
from wattseal.app.edge.commands import MAX_REPORTS, REPORT_SPAN_MS
from wattseal.parties.edge.commands import LEEWAY_MS, MAX_USED
from wattseal.parties.edge.state import Commands, EdgeState
from wattseal.rules.edge_table import TABLE, Direction, Treatment
from wattseal.rules.recorded import Recorded, read_item
from wattseal.seal import command
from wattseal.seal.command import SignedCommand
from wattseal.seal.item import Kind
from wattseal.seal.signed import Domain, sign
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.signed_commands import announcement, with_command
from wattseal.wire.ocpp.version import Fault, Refusal

HOUR_MS = 3_600_000
LIMIT = "SetChargingProfile"


def limit(amps: int | Decimal, version: str = "2.0.1") -> dict[str, Any]:
    """Return a limit's payload; the edge looks at the signature, the station at the rest."""
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}]}
    if version == "1.6":
        return {"connectorId": 1, "csChargingProfiles": {"chargingProfileId": 7, "chargingSchedule": schedule}}
    return {"evseId": 1, "chargingProfile": {"id": 7, "chargingSchedule": [schedule]}}


def statement(said: SignedCommand, signer: str = "csms", log: str = LOG) -> bytes:
    return command.issue(said, key(signer), log).encode()


async def told(b: Bench) -> list[Recorded]:
    """Return what the CSMS has been told of refused commands."""
    await b.settle()
    beats = (read_item(item) for item in b.csms.items if item.payload.kind == Kind.HEARTBEAT)
    return [record for record in beats if any(note.code == "command_mismatch" for note in record.observed.notes)]


async def refused(
    b: Bench, why: str, payload: dict[str, Any], data: bytes | None, *, action: str = LIMIT, asked: int = 0
) -> Recorded:
    """Assert that a command does not reach the station, which was `asked` before, and that the CSMS is told `why`."""
    before = len(await told(b))
    answer = await b.carried(action, payload, data)
    assert isinstance(answer, Refusal)
    assert (answer.fault, len(b.station.asked)) == (Fault.SECURITY, asked)
    record = (await told(b))[before]
    (note,) = record.observed.notes
    assert (note.field, why in note.detail) == (action, True), note
    b.clock.ms += REPORT_SPAN_MS
    return record


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_command_passes_as_it_was_sent_and_once_after_a_restart_too(tmp_path: Path, version: str) -> None:
    payload = limit(Decimal("16.5"), version)
    async with bench(tmp_path, site(version=version)) as b:
        good, other = b.signs(LIMIT, payload), b.signs(LIMIT, payload)
        assert await b.carried(LIMIT, payload, statement(good)) == {"status": "Accepted"}
        assert b.station.asked == [(LIMIT, payload)]
        await refused(b, "come before", payload, statement(good), asked=1)
        b.clock.ms -= REPORT_SPAN_MS
        record = await refused(b, "not the one that was signed", limit(63, version), statement(other), asked=1)
        assert record.refs == (other.record,)
        assert record.frame is not None
        assert b'"limit":63' in record.frame
        b.clock.ms -= REPORT_SPAN_MS
    async with bench(tmp_path, site(version=version, seed="second run"), csms=b.csms) as b:
        await refused(b, "come before", payload, statement(good))


ALTERED: tuple[tuple[str, Callable[[SignedCommand], SignedCommand]], ...] = (
    ("another station", lambda said: replace(said, origin="CPO/ST2")),
    ("ClearChargingProfile was signed", lambda said: replace(said, action="ClearChargingProfile")),
    ("longer than any", lambda said: replace(said, until_ms=said.issued_ms + 24 * HOUR_MS)),
    ("longer than any", lambda said: replace(said, until_ms=said.issued_ms - 1)),
    ("3570 s after its time", lambda said: shifted(said, -HOUR_MS)),
    ("3600 s before its time", lambda said: shifted(said, HOUR_MS)),
)


def shifted(said: SignedCommand, by_ms: int) -> SignedCommand:
    return replace(said, issued_ms=said.issued_ms + by_ms, until_ms=said.until_ms + by_ms)


def receipt_of(said: SignedCommand) -> bytes:
    """Return a statement of another purpose with the same content."""
    fields = dict(enumerate((said.origin, said.action, said.payload, said.record, 1, 2), start=1))
    return sign(fields, key("csms"), Domain.RECEIPT, LOG).encode()


FORGED: tuple[tuple[str, Callable[[SignedCommand], bytes | None]], ...] = (
    ("without a signature", lambda _said: None),
    ("not the CSMS's", lambda said: statement(said, "edge")),
    ("not the CSMS's", lambda said: statement(said, "billing")),
    ("not the CSMS's", lambda said: statement(said, "stranger")),
    ("signature is false", lambda said: statement(said, log="CPO/other")),
    ("signature is false", receipt_of),
    ("cannot be read", lambda _said: b"garbage"),
    ("cannot be read", lambda _said: b""),
)


async def test_what_the_csms_did_not_sign_for_this_station_here_and_now_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path, site(version="2.0.1")) as b:
        for why, change in ALTERED:
            said = change(b.signs(LIMIT, limit(16)))
            assert (await refused(b, why, limit(16), statement(said))).refs == (said.record,)
        for why, forge in FORGED:
            assert (await refused(b, why, limit(16), forge(b.signs(LIMIT, limit(16))))).refs == ()
        start = {"idToken": {"idToken": "04A2B3C4D5E680", "type": "ISO14443"}, "remoteStartId": 5, "evseId": 1}
        record = await refused(b, "without a signature", start, None, action="RequestStartTransaction")
        assert record.frame == b'{"remoteStartId":5,"evseId":1}', "the driver's token is not kept"


async def test_in_1_6_an_announced_command_covers_its_call_and_no_second_one(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        first, second = limit(16, "1.6"), {"type": "Soft"}
        for said in (b.signs(LIMIT, first), b.signs("Reset", second)):
            ahead, text = announcement(statement(said))
            assert await b.raw(ahead, msgspec.json.decode(text)) == {"status": "Accepted"}
        assert await b.raw("Reset", second) == {"status": "Accepted"}
        assert await b.raw(LIMIT, first) == {"status": "Accepted"}
        await refused(b, "without a signature", first, None, asked=2)
        ahead, text = announcement(statement(b.signs(LIMIT, first), "stranger"))
        assert await b.raw(ahead, msgspec.json.decode(text)) == {"status": "Rejected"}


async def test_an_edge_from_before_takes_unsigned_commands_until_the_first_signed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(memory, "requiring", lambda state: state)
        async with bench(tmp_path, site(version="2.0.1")) as b:
            assert await b.raw("ClearCache", {}) == {"status": "Accepted"}
    async with bench(tmp_path, site(version="2.0.1", seed="upgraded"), csms=b.csms) as b:
        assert await b.raw(LIMIT, limit(10)) == {"status": "Accepted"}
        await refused(b, "not the one", limit(63), statement(b.signs(LIMIT, limit(16))), asked=1)
        assert await b.command(LIMIT, limit(16)) == {"status": "Accepted"}
        await refused(b, "without a signature", limit(63), None, asked=2)
        b.memory.state = replace(b.memory.state, commands=Commands())
        assert await b.raw(LIMIT, limit(10)) == {"status": "Accepted"}
        await b.down.gate.require()
        await refused(b, "without a signature", limit(63), None, asked=3)
    async with bench(tmp_path, site(version="2.0.1", seed="second run"), csms=b.csms) as b:
        await refused(b, "without a signature", limit(63), None)


async def test_clocks_may_be_apart_and_one_set_back_lets_no_old_command_pass_again(tmp_path: Path) -> None:
    async with bench(tmp_path, site(version="2.0.1")) as b:
        then_ms = b.clock.ms
        said = [b.signs(LIMIT, limit(amps)) for amps in (10, 63)]
        for one, off_ms in zip(said, (LEEWAY_MS, -LEEWAY_MS), strict=True):
            b.clock.ms = then_ms + off_ms
            assert isinstance(await b.raw(LIMIT, beside(limit(10 if one is said[0] else 63), one)), dict)
        b.clock.ms = then_ms + HOUR_MS
        assert await b.command(LIMIT, limit(16)) == {"status": "Accepted"}
        assert len(b.memory.state.commands.used) == 1, "what is over is forgotten"
        b.clock.ms = then_ms
        await refused(b, "come before", limit(63), statement(said[1]), asked=3)


def beside(payload: dict[str, Any], said: SignedCommand) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(with_command(payload, statement(said)))
    return decoded


async def test_nothing_passes_down_unsigned_in_any_version(tmp_path: Path) -> None:
    async with bench(tmp_path, site()) as b:
        for version, directions in TABLE.items():
            b.memory.site = replace(b.memory.site, version=version)
            for action, line in directions[Direction.DOWN].items():
                if line.treatment is Treatment.PASS and line.guard is None:
                    answer = await b.raw(action, {})
                    assert isinstance(answer, Refusal), action
                    assert answer.fault is Fault.SECURITY, action
        assert b.station.asked == []
        assert b.down.gate.refused > 50


class Answering(MemoryCsms):
    """A CSMS whose answers are as they are told to be."""

    answers: dict[str, dict[str, Any]]

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        return result(action, self.answers[action]) if action in self.answers else await super().call(action, payload)


async def test_limits_that_a_station_pulls_are_the_ones_that_the_csms_signed_for_this_profile(tmp_path: Path) -> None:
    at = site(version="2.1")
    csms = Answering(at)
    csms.answers = {}
    async with bench(tmp_path, at, csms=csms) as b:
        good = {"status": "Accepted", "scheduleUpdate": {"limit": 16}}
        raised = {"status": "Accepted", "scheduleUpdate": {"limit": 63}}
        said = [b.signs(f"PullDynamicScheduleUpdate {profile}", good) for profile in (7, 7, 8)]
        for answer, heard in (
            (beside(good, said[0]), good),
            (beside(good, said[0]), {"status": "Rejected"}),
            (beside(raised, said[1]), {"status": "Rejected"}),
            (beside(good, said[2]), {"status": "Rejected"}),
            (raised, {"status": "Rejected"}),
        ):
            csms.answers["PullDynamicScheduleUpdate"] = answer
            assert await b.say("PullDynamicScheduleUpdate", {"chargingProfileId": 7}) == heard
        assert len(await told(b)) == 4


async def test_a_time_told_on_the_link_that_is_far_off_does_not_reach_the_station(tmp_path: Path) -> None:
    csms = Answering(site())
    csms.answers = {"Heartbeat": {"currentTime": "2027-01-15T08:00:59Z"}}
    async with bench(tmp_path, site(), csms=csms) as b:
        assert await b.say("Heartbeat", {}) == {"currentTime": "2027-01-15T08:00:59Z"}
        for wrong in ("2027-01-15T09:01:00Z", "2027-01-15T07:00:00", "yesterday", 7):
            csms.answers["Heartbeat"] = {"currentTime": wrong}
            assert await b.say("Heartbeat", {}) == {"currentTime": "2027-01-15T08:00:00Z"}


async def test_what_is_remembered_and_told_of_commands_is_bounded(tmp_path: Path) -> None:
    async with bench(tmp_path, site(version="2.0.1")) as b:
        used = tuple((seeded("used")(32), b.clock.ms + 1) for _ in range(MAX_USED))
        b.memory.state = EdgeState(b.memory.state.streams, commands=Commands(required=True, used=used))
        assert await b.command("ClearCache", {}) == {"status": "Accepted"}
        assert len(b.memory.state.commands.used) == MAX_USED
        assert b.memory.state.commands.forgotten_ms == b.clock.ms + 1
        for _ in range(40):
            assert isinstance(await b.raw("Reset", {"type": "Immediate"}), Refusal)
        assert (len(await told(b)), len(b.station.asked), b.down.gate.refused) == (MAX_REPORTS, 1, 40)
