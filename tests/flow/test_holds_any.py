"""Whatever order starts, readings, stops, retries, restarts and bills come in: no cent is held twice or for ever."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.flow.test_holds_at_charge import started
from tests.flow.test_stopping import lines, turn
from tests.support.cpo_world import Talker, transactions
from tests.support.examples import examples
from tests.support.paying import STATIONS, account, bill, held, money, pay_in, paying_world, wait
from tests.support.proving import troubles

from wattseal.flow.money.accounts import change_account
from wattseal.flow.money.holds import tidy
from wattseal.flow.money.watching import Watch
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountStatus
from wattseal.rules.holding import room, to_hold
from wattseal.wire.ocpp.version import Version

LIMITS = (None, 0, 30)
"""Of the account: prepaid, or on credit within so much."""


@dataclass
class Play:
    """Stations that charge to one account; `running` has each one's transaction and register."""

    world: World
    made: Account
    watch: Watch = field(default_factory=Watch)
    running: dict[str, tuple[int, int]] = field(default_factory=dict)
    register: dict[str, int] = field(default_factory=dict)
    ended: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def check(self, before: int, *, taking: bool) -> int:
        """Compare books and holds; return what is on the account. Only a charge takes it below what it may spend."""
        there_is, aside = await money(self.world, self.made)
        assert aside >= 0
        assert aside == sum(one.amount for one in await held(self.world))
        limit = int(self.made.limit or 0) * 100
        assert there_is >= min(before, -limit) or taking
        return there_is

    async def authorise(self, station: str) -> None:
        await Talker(self.world, station).call("Authorize", {"idTag": "CARD"})

    async def all_at_once(self, _station: str) -> None:
        idle = [name for name in STATIONS if name not in self.running]
        await asyncio.gather(*(self.start(name) for name in idle))

    async def start(self, station: str) -> None:
        if station in self.running:
            return
        begin_wh = self.register.get(station, 0)
        talker = Talker(self.world, station)
        payload = {"connectorId": 1, "idTag": "CARD", "meterStart": begin_wh, "timestamp": self._now(talker)}
        first = await talker.call("StartTransaction", payload)
        assert await talker.call("StartTransaction", payload) == first
        self.running[station] = (first["transactionId"], begin_wh)
        self.register[station] = begin_wh

    def _now(self, _talker: Talker) -> str:
        return self.world.clock.now().isoformat().replace("+00:00", "Z")

    async def draw(self, station: str) -> None:
        if station not in self.running:
            return
        self.register[station] += 9_000
        wait(self.world, 60)
        await Talker(self.world, station).meter(self.running[station][0], self.register[station])
        await turn(self.world, self.watch)

    async def stop(self, station: str) -> None:
        if station not in self.running:
            return
        number, _ = self.running.pop(station)
        talker = Talker(self.world, station)
        payload = {
            "transactionId": number,
            "meterStop": self.register[station],
            "timestamp": self._now(talker),
            "reason": "Local",
        }
        await talker.call("StopTransaction", payload)
        await talker.call("StopTransaction", payload)

    async def restart(self, _station: str) -> None:
        self.world.forget()
        self.watch = Watch()

    async def later(self, _station: str) -> None:
        wait(self.world, 700)
        await tidy(self.world)

    async def block(self, _station: str) -> None:
        await change_account(self.world, self.made.id, "test", status=AccountStatus.BLOCKED)

    async def unblock(self, _station: str) -> None:
        await change_account(self.world, self.made.id, "test", status=AccountStatus.OPEN)

    async def pay(self, _station: str) -> None:
        await pay_in(self.world, self.made, 20)

    async def bill(self, _station: str) -> None:
        await bill(self.world)


DEEDS: dict[str, Callable[[Play, str], Awaitable[None]]] = {
    "authorise": Play.authorise,
    "start": Play.start,
    "all at once": Play.all_at_once,
    "draw": Play.draw,
    "stop": Play.stop,
    "restart": Play.restart,
    "later": Play.later,
    "block": Play.block,
    "unblock": Play.unblock,
    "pay": Play.pay,
    "bill": Play.bill,
}
PLAYS = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), st.sampled_from(STATIONS)), max_size=25)


async def play(units: int, limit: int | None, deeds: list[tuple[str, str]]) -> None:
    world = await paying_world()
    lines(world, Version.V16)
    it = Play(world, await account(world, units, limit=limit))
    there_is, _ = await money(world, it.made)
    for name, station in deeds:
        await DEEDS[name](it, station)
        there_is = await it.check(there_is, taking=name == "bill")
    for station in STATIONS:
        await it.stop(station)
    await bill(world)
    wait(world, 700)
    await tidy(world)
    wait(world, 8 * 86_400)
    await tidy(world)
    assert (await money(world, it.made))[1] == 0
    assert await held(world) == []
    assert all(not t.active for t in await transactions(world))
    assert await troubles(world) == []


@settings(max_examples=examples(40))
@given(units=st.integers(0, 120), limit=st.sampled_from(LIMITS), deeds=PLAYS)
def test_any_order_of_events_holds_what_is_held_once_and_gives_it_back(
    units: int, limit: int | None, deeds: list[tuple[str, str]]
) -> None:
    asyncio.run(play(units, limit, deeds))


@given(
    balance=st.integers(-(10**6), 10**6),
    limit=st.integers(0, 10**6),
    wanted=st.integers(0, 10**6),
    least=st.integers(0, 10**6),
)
def test_no_hold_takes_an_account_below_what_it_may_spend(balance: int, limit: int, wanted: int, least: int) -> None:
    amount = to_hold(wanted, room(balance, limit), least)
    if amount:
        assert balance - amount >= -limit
        assert least <= amount <= wanted or amount == wanted


async def test_the_control_two_starts_that_both_read_first_would_share_the_same_money() -> None:
    """What the books in memory are for: judged by the journal alone, both would be given all there is."""
    world = await paying_world()
    made = await account(world, 50)
    there_is, _ = await money(world, made)
    assert [to_hold(5000, room(there_is, 0), 500) for _ in range(2)] == [5000, 5000]
    told = await asyncio.gather(started(world, "ST1"), started(world, "ST2"))
    assert sorted(status for _, status in told) == ["Accepted", "Blocked"]
    assert await money(world, made) == (0, 5000)
