"""T12: NaN, infinities, booleans, texts and absurd exponents stand where a register should."""

import json
from typing import Any

import msgspec

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line, Told2x
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.transaction import Billing
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.version import Fault, Refusal, Version

SPELLED = (
    "true",
    "false",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e999999999",
    "-1e400",
    '"1"',
    "0x10",
    "[1]",
    "{}",
    "null",
    "01",
    "1_000",
    "9" * 41,
    "9007199254740993",
)
"""As JSON has them in the place of a number, or as it does not."""
TRUE_WH = 20_000


async def _perform(lab: Lab) -> Found:
    return await _misspell(lab)


async def _control(lab: Lab) -> Found:
    with swapped(guard, "decode", _lenient):
        return await _misspell(lab)


def _lenient(decoder: msgspec.json.Decoder[Any], payload: bytes | msgspec.Raw, *_: object) -> Any:
    """Decode as scripts do: whatever can be made a number is one."""

    def number(value: Any) -> Any:
        match value:
            case bool():
                return int(value)
            case dict():
                return {key: number(child) for key, child in value.items()}
            case list():
                return [number(child) for child in value]
            case _:
                return value

    loose = msgspec.json.Decoder(decoder.type, dec_hook=decoder.dec_hook, strict=False)
    try:
        return loose.decode(json.dumps(number(json.loads(bytes(payload)))).encode())
    except (msgspec.MsgspecError, ValueError) as error:
        return Refusal(Fault.TYPE, str(error))


async def _misspell(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        await cpo.token("CARD")
        answers = 0
        for place, spelled in enumerate(SPELLED):
            station = await cpo.enrol(f"ST{place}")
            answers += await _stop16(cpo, station, spelled)
            other = await cpo.enrol(f"ST{place}X")
            other.version = Version.V201
            answers += await _stop2x(cpo, other, spelled)
        await cpo.settle()
        sessions = await cpo.transactions()
        bills = [bill for each in sessions if (bill := await cpo.bill(each)) is not None]
    wrong = sorted({f"{bill.energy_wh:f} Wh" for bill in bills if bill.energy_wh != TRUE_WH})
    if wrong:
        return Found(Outcome.MISSED, f"billed as told: {', '.join(wrong)}, drawn were {TRUE_WH}")
    kept = sum(each.billing is Billing.QUARANTINED for each in sessions)
    if len(bills) + kept != len(sessions) or answers != 2 * len(SPELLED):
        return Found(Outcome.MISSED, f"{len(sessions)} sessions, {len(bills)} billed and {kept} kept back")
    text = f"{len(bills)} sessions billed for the genuine stop, {kept} without a register kept back, none as told"
    return Found(Outcome.PREVENTED, text, figures=(Figure("spellings tried", 2 * len(SPELLED), ""),))


async def _stop16(cpo: Clockwork, station: Line, spelled: str) -> int:
    number = await station.start16("CARD", 0, 0)
    stop = {"transactionId": number, "meterStop": "@", "timestamp": cpo.at(60)}
    answered = await _say(cpo, station, "StopTransaction", stop, spelled)
    await station.stop16(number, TRUE_WH, 60)
    return answered


async def _stop2x(cpo: Clockwork, station: Line, spelled: str) -> int:
    told = Told2x(f"T-{station.station}", 0, 0)
    await station.event2x("Started", 0, told)
    ended = station.payload2x("Ended", 1, Told2x(told.transaction, 0, 60))
    ended["meterValue"][0]["sampledValue"][0]["value"] = "@"
    answered = await _say(cpo, station, "TransactionEvent", ended, spelled)
    await station.event2x("Ended", 1, Told2x(told.transaction, TRUE_WH, 60))
    return answered


async def _say(cpo: Clockwork, station: Line, action: str, payload: dict[str, Any], spelled: str) -> int:
    """Tell a payload in whose place `@` the number stands as it is spelled; returns 1 where that has its answer."""
    raw = json.dumps([2, cpo.next_id(), action, payload]).replace('"@"', spelled)
    return int(await cpo.say(station.station, station.version, raw.encode()) is not None)


ATTACK = Attack(
    line="T12",
    title="a stop tells a register that is no number",
    steps=(
        f"charge at {2 * len(SPELLED)} stations, half of them 1.6 and half 2.0.1",
        "end each charge with a register spelled as NaN, infinity, a boolean, a text or with an absurd exponent",
        "then send the genuine stop, and let the sessions be billed",
    ),
    defence="a strict JSON decoder with bounds, and readings that are None where a value is out of range",
    without="a decoder that makes a number of whatever can be made one",
    residual="a 2.x event whose number is absurd is a fact without a register: its session waits for a person",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
