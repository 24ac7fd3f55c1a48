"""Slow to those who guess: the delays, and that they take nobody else's place."""

import asyncio

import pytest

from wattseal.app import patience
from wattseal.app.patience import CHECKS_EACH, Patience


async def test_a_further_guess_of_a_pair_waits_longer_and_a_right_one_forgives(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    slow = Patience()
    for station, remote in (("CP1", "a"), ("cp1", "a"), ("CP1", "b"), ("CP2", "a"), ("CP1", "a")):
        await slow.punish(station, remote)
    assert waits == [0.1, 0.2, 0.1, 0.1, 0.4]
    for _ in range(20):
        await slow.punish("CP1", "a")
    assert waits[-1] == patience.MAX_DELAY_S
    slow.forgive("CP1", "a")
    await slow.punish("CP1", "a")
    assert waits[-1] == 0.1


async def test_a_flood_of_refusals_is_not_held_back_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MAX_WAITING", 2)
    monkeypatch.setattr(patience, "FIRST_DELAY_S", 60.0)
    monkeypatch.setattr(patience, "MAX_DELAY_S", 60.0)
    slow = Patience()
    waiting = [asyncio.create_task(slow.punish("CP1", "a")) for _ in range(2)]
    await asyncio.sleep(0)
    for n in range(50):
        await slow.punish("CP1", f"address {n}")
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_one_address_waits_for_its_own_checks_and_no_other_for_them() -> None:
    slow, gate = Patience(), asyncio.Event()
    inside: list[str] = []

    async def check(remote: str) -> None:
        async with slow.turn(remote):
            inside.append(remote)
            await gate.wait()

    many = [asyncio.create_task(check("flood")) for _ in range(50)]
    await asyncio.sleep(0)
    one = asyncio.create_task(check("station"))
    await asyncio.sleep(0)
    assert inside == ["flood"] * CHECKS_EACH + ["station"]
    gate.set()
    await asyncio.gather(*many, one)
    assert slow._turns == {}
