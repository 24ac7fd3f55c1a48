"""Sessions proved again: whatever an insider changes afterwards is found and named, and nothing else is."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.cpo_world import Talker, TestClock, transactions
from tests.support.money import bill_all, billing_world
from tests.support.no_proofs import NoProofs
from tests.support.tampering import another_document, another_group, another_item, tamper

from wattseal.flow.charges.reproof import BROKEN_ALARM, PROVEN_AGAIN, broken_of, broken_sessions, prove_again
from wattseal.flow.charges.reproof_rounds import RECENT_MS, Reprover
from wattseal.flow.documents import ALARM, read
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.seal.item import Group, Kind
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal


@dataclass(frozen=True)
class Charged:
    """Two sessions that were billed, in a journal on disk."""

    world: World
    journal: Path
    touched: str
    untouched: str

    async def found(self) -> list[tuple[str, str]]:
        """Prove both again; the second must be sound."""
        assert await prove_again(self.world, NoProofs(), self.untouched) == ()
        return [(f.code, f.field) for f in await prove_again(self.world, NoProofs(), self.touched)]


@pytest.fixture
async def charged(tmp_path: Path) -> AsyncIterator[Charged]:
    file = tmp_path / "journal.sqlite3"
    migrate(f"sqlite:///{file}")
    journal = await SqliteJournal.open(file)
    try:
        world = await billing_world(journal=journal)
        station = Talker(world, "ST1")
        for wh in (1000, 9000):
            number = await station.start(wh=wh, minutes=wh // 100)
            await station.meter(number, wh + 3000, wh // 100 + 20)
            await station.stop(number, wh + 8000, wh // 100 + 60)
        await bill_all(world)
        first, second = sorted(await transactions(world), key=lambda t: t.recorded_ms)
        yield Charged(world, file, first.id, second.id)
    finally:
        await journal.close()


async def alarms(world: World) -> list[str]:
    return [read(d, Alarm).code for d in await world.journal.documents(world.tenant, ALARM)]


async def test_sessions_nobody_touched_prove_again(charged: Charged) -> None:
    assert await charged.found() == []
    assert await broken_sessions(charged.world) == ()
    assert await alarms(charged.world) == []


async def test_another_register_at_the_end_is_named_with_its_record(charged: Charged) -> None:
    tamper(charged.journal, another_item(charged.touched, Kind.ENDED, another_group(Group.METER)))
    ((code, field), *_) = await charged.found()
    assert code == "content_altered"
    assert field.startswith("record CPO/ST1 stream 1")
    broken = await broken_of(charged.world, charged.touched)
    assert broken is not None
    assert broken.findings[0].detail == f"group {int(Group.METER)}"
    assert [b.session for b in await broken_sessions(charged.world)] == [charged.touched]
    assert await alarms(charged.world) == [BROKEN_ALARM]


async def test_a_record_without_its_own_signature_is_held_by_the_chain_and_its_columns(charged: Charged) -> None:
    tamper(charged.journal, another_item(charged.touched, Kind.READING, another_group(Group.METER)))
    found = await charged.found()
    assert [code for code, _ in found] == ["content_altered"]


async def test_another_byte_of_what_was_signed_is_found(charged: Charged) -> None:
    tamper(charged.journal, another_item(charged.touched, Kind.STARTED, lambda i: i.replace(b"CPO/ST1", b"CPO/ST9", 1)))
    codes = {code for code, _ in await charged.found()}
    assert {"signature_invalid", "column_differs"} <= codes


async def test_a_record_that_is_gone_leaves_a_hole_in_its_chain(charged: Charged) -> None:
    subject = bytes.fromhex(charged.touched)
    sql = "DELETE FROM items WHERE subject = ? AND kind = ?"
    tamper(charged.journal, lambda d: d.execute(sql, (subject, int(Kind.READING))).rowcount)
    assert [code for code, _ in await charged.found()] == ["chain_broken"]


async def test_a_projection_that_was_changed_is_held_against_its_records(charged: Charged) -> None:
    tamper(charged.journal, another_document("transaction", charged.touched, end_wh="9500"))
    ((code, field),) = await charged.found()
    assert (code, field) == ("projection_differs", f"transaction {charged.touched} field end_wh")


async def test_a_bill_that_was_changed_is_held_against_what_is_due(charged: Charged) -> None:
    tamper(charged.journal, another_document("bill", charged.touched, energy_wh="9000"))
    assert await charged.found() == [("bill_differs", "bill energy_wh")]


async def test_a_posting_that_was_changed_is_held_against_its_bill(charged: Charged) -> None:
    sql = (
        "UPDATE transfers SET amount = amount + 1 WHERE number = "
        "(SELECT number FROM postings WHERE subject = ? AND key LIKE 'charge/%')"
    )
    tamper(charged.journal, lambda d: d.execute(sql, (bytes.fromhex(charged.touched),)).rowcount)
    assert [code for code, _ in await charged.found()] == ["posting_differs"]


async def test_what_was_put_right_is_broken_no_longer_and_both_are_told(charged: Charged) -> None:
    tamper(charged.journal, another_document("transaction", charged.touched, end_wh="9500"))
    assert await charged.found()
    assert await charged.found(), "found again, it is told once"
    tamper(charged.journal, another_document("transaction", charged.touched, end_wh="9000"))
    assert await charged.found() == []
    assert await broken_of(charged.world, charged.touched) is None
    assert await alarms(charged.world) == [BROKEN_ALARM, PROVEN_AGAIN]


async def test_a_session_that_runs_is_left_alone(charged: Charged) -> None:
    station = Talker(charged.world, "ST1")
    await station.start(wh=20000, minutes=300)
    (running,) = [t for t in await transactions(charged.world) if t.active]
    assert await prove_again(charged.world, NoProofs(), running.id) == ()


async def test_by_the_clock_every_session_has_its_turn_however_old(charged: Charged) -> None:
    clock = charged.world.clock
    assert isinstance(clock, TestClock)
    clock.at += timedelta(milliseconds=3 * RECENT_MS)
    tamper(charged.journal, another_document("transaction", charged.touched, end_wh="9500"))
    reprover = Reprover(charged.world, NoProofs(), 2)
    for _ in range(4):
        await reprover.turn()
    assert [b.session for b in await broken_sessions(charged.world)] == [charged.touched]
    tamper(charged.journal, another_document("transaction", charged.touched, end_wh="9000"))
    for _ in range(4):
        await reprover.turn()
    assert await broken_sessions(charged.world) == ()
