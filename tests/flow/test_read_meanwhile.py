"""What is read while it changes is not what memory goes on by: a card that is blocked, an account that is there."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.answering import OPERATOR, Answering
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.ids import StationId, TenantId
from wattseal.flow.drivers.reservations import expire, find_reservation
from wattseal.flow.drivers.reserving import Wish, cancel, reserve
from wattseal.flow.fleet.enrol import set_token_status
from wattseal.flow.money.accounts import AccountError, account_of, change_account, open_account
from wattseal.flow.ports import Put
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, AccountStatus
from wattseal.model.reservation import Reservation, ReservationStatus
from wattseal.model.token import IdToken, TokenStatus
from wattseal.seal.item import Kind
from wattseal.wire.ocpp.version import Version


class SlowDisk(MemoryJournal):
    """A read of a document of the kind `slow` has its answer at once, and tells it when `told` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = ""
        self.asked, self.told = asyncio.Event(), asyncio.Event()

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        found = await super().document(tenant, kind, key)
        if kind == self.slow:
            self.slow = ""
            self.asked.set()
            await self.told.wait()
        return found

    async def documents(self, tenant: TenantId, kind: str, **more: Any) -> tuple[Put, ...]:
        found = await super().documents(tenant, kind, **more)
        if kind == self.slow:
            self.slow = ""
            self.asked.set()
            await self.told.wait()
        return found


async def meanwhile(disk: SlowDisk, kind: str, reads: Any, changes: Any) -> Any:
    """Begin to read a kind of document, change something, and let the reader go on; return what he came to."""
    disk.slow = kind
    reader = asyncio.ensure_future(reads)
    await disk.asked.wait()
    await changes
    disk.told.set()
    return await reader


async def a_world() -> tuple[World, SlowDisk]:
    disk = SlowDisk()
    world = make_world(disk)
    await enrol(world, "ST1")
    return world, disk


async def test_a_card_that_is_blocked_while_it_is_looked_up_is_refused_from_then_on() -> None:
    world, disk = await a_world()
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    blocked = set_token_status(world, "CARD", TokenStatus.BLOCKED)
    await meanwhile(disk, "token", station.call("Authorize", {"idTag": "CARD"}), blocked)
    told = await station.call("Authorize", {"idTag": "CARD"})
    assert told["idTagInfo"]["status"] == "Blocked"


async def an_account(world: World) -> Account:
    return await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test")


async def test_an_account_that_is_blocked_while_it_is_looked_up_stays_blocked() -> None:
    world, disk = await a_world()
    made = await an_account(world)
    world.accounts.clear()
    blocked = change_account(world, made.id, "test", status=AccountStatus.BLOCKED)
    await meanwhile(disk, "account", account_of(world, made.id), blocked)
    found = await account_of(world, made.id)
    assert found is not None
    assert found.status is AccountStatus.BLOCKED


async def test_an_account_that_is_closed_is_not_opened_anew_because_a_commit_of_somebody_else_failed() -> None:
    world, disk = await a_world()
    made = await an_account(world)
    closed = await change_account(world, made.id, "test", status=AccountStatus.CLOSED)
    world.chains.forget()
    chains = world.chains
    ready = chains.ready
    failed: list[int] = []

    async def slow_ready(origin: str, stream: int) -> None:
        await ready(origin, stream)
        if not failed:
            failed.append(stream)
            world.forget()

    class Chains:
        def __getattr__(self, name: str) -> Any:
            return slow_ready if name == "ready" else getattr(chains, name)

    world.chains = Chains()  # type: ignore[assignment]
    with pytest.raises(AccountError) as refused:
        await change_account(world, made.id, "test", status=AccountStatus.OPEN)
    assert refused.value.code == "account_closed"
    assert closed.status is AccountStatus.CLOSED
    opened = [kept for kept in disk.kept if kept.item.kind == Kind.ACCOUNT]
    assert len(opened) == 2, "opened and closed, once each"


async def reserved(world: World) -> Reservation:
    """Return a reservation for a minute, at a station that cancels none."""
    await add_token(world, "CARD")
    answers: dict[str, Any] = {"ReserveNow": {"status": "Accepted"}, "CancelReservation": {"status": "Rejected"}}
    world.lines = Answering(Version.V16, answers)
    until = world.clock.now() + timedelta(minutes=1)
    wish = Wish(id_token=IdToken("CARD", "ISO14443"), expires_at=until, evse_id=1)
    return (await reserve(world, OPERATOR, StationId("ST1"), wish))[1]


async def used(world: World, made: Reservation) -> bool:
    """Return whether a reservation is told as used, by a charge."""
    found = await find_reservation(world, "ST1", made.id)
    assert found is not None
    return (found.status, found.transaction is None) == (ReservationStatus.USED, False)


def start_on(made: Reservation, station: Talker) -> Any:
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": station.at(2), "reservationId": made.id}
    return station.call("StartTransaction", start)


async def test_a_reservation_that_is_used_while_the_clock_looks_for_those_that_are_over_stays_used() -> None:
    world, disk = await a_world()
    made, station = await reserved(world), Talker(world, "ST1")
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=2)
    await meanwhile(disk, "reservation", expire(world), start_on(made, station))
    await expire(world)
    assert await used(world, made)
    assert world.used_reservations == set(), "what is on the disk is not kept in mind"


async def test_a_reservation_that_is_used_while_somebody_cancels_it_stays_used() -> None:
    world, disk = await a_world()
    made, station = await reserved(world), Talker(world, "ST1")
    await meanwhile(disk, "reservation", cancel(world, OPERATOR, made), start_on(made, station))
    assert await used(world, made)
