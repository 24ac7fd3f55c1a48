"""T13: the times of a charge by day are moved into the night, when energy costs half."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.bundle.cdr import price_charge
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import AT, Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back, notes_of, without
from wattseal.lab.month.tariffs import TIME_OF_USE
from wattseal.pricing.periods import Point
from wattseal.pricing.trace import Incomplete
from wattseal.watch import Watch

CODES = ("clock_ahead", "clock_jumped", "held_back")
ALSO = ("time_differs", "recorded_late")
ENERGY_WH, LENGTH_MIN = 20_000, 55
EVENING_MIN, MORNING_MIN = 710, 1_265
"""Minutes after 09:00 in Berlin at which a charge by day begins: an hour before 22:00, five minutes after 06:00."""
SHIFT_MIN = 75


async def _perform(lab: Lab) -> Found:
    return await _move(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _move(lab, without(*CODES, *ALSO))


async def _move(lab: Lab, watch: Watch) -> Found:
    due, evidence, gained = _price(EVENING_MIN, EVENING_MIN + LENGTH_MIN), [], Decimal(0)
    for name, play in _WAYS:
        async with lab.clockwork() as cpo:
            cpo.world.watch = watch
            station = await cpo.enrol("ST1", TIME_OF_USE)
            await cpo.token("CARD")
            await play(cpo, station)
            session = await cpo.newest()
            found = await kept_back(cpo, session, *CODES)
            bill = await cpo.bill(session)
            session = await cpo.transaction(session.id)
        if bill is not None:
            gained += due - bill.total.before_tax
            evidence.append(f"{name}: {bill.total.before_tax} EUR instead of {due}")
        elif found.outcome is Outcome.DETECTED:
            codes = ", ".join(note.code for note in notes_of(session, *CODES))
            evidence.append(f"{name}: {codes}, told {_clock(session.started_ms)}, here {_clock(session.recorded_ms)}")
        else:
            return found
    figures = (Figure("gained by moving three charges", float(gained), "EUR"),)
    if gained > 0:
        return Found(Outcome.MISSED, f"{gained} EUR gained: {'; '.join(evidence)}", figures=figures)
    return Found(Outcome.DETECTED, f"{'; '.join(evidence)}; none billed", records=1, figures=figures)


async def _ahead(cpo: Clockwork, station: Line) -> None:
    """Charge in the evening, told as of later."""
    await _charge(cpo, station, EVENING_MIN, (SHIFT_MIN, SHIFT_MIN))


async def _jumped(cpo: Clockwork, station: Line) -> None:
    """Charge in the morning, told truly until the end, which is set back before the start of the day."""
    await _charge(cpo, station, MORNING_MIN, (-12, -LENGTH_MIN - 10), between=True)


async def _behind(cpo: Clockwork, station: Line) -> None:
    """Charge in the morning, told as of before; the station is connected all the while."""
    await _charge(cpo, station, MORNING_MIN, (-SHIFT_MIN, -SHIFT_MIN))


_WAYS: tuple[tuple[str, Callable[[Clockwork, Line], Awaitable[None]]], ...] = (
    ("ahead", _ahead),
    ("set back within", _jumped),
    ("behind", _behind),
)


async def _charge(
    cpo: Clockwork, station: Line, begins: int, shifts: tuple[int, int], *, between: bool = False
) -> None:
    for minute in range(begins - 90, begins, 5):
        cpo.move_to(minute)
        await station.call("Heartbeat", {})
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": cpo.at(begins + shifts[0])}
    number = (await station.call("StartTransaction", start, begins))["transactionId"]
    if between:
        await station.meter16(number, ENERGY_WH // 2, begins + LENGTH_MIN // 2)
    ends = begins + LENGTH_MIN
    for minute in range(begins, ends, 5):
        cpo.move_to(minute)
        await station.call("Heartbeat", {})
    stop = {"transactionId": number, "meterStop": ENERGY_WH, "timestamp": cpo.at(ends + shifts[1])}
    await station.call("StopTransaction", stop, ends)


def _price(begins: int, ends: int) -> Decimal:
    """Return what a charge costs by day."""
    from_ms = round(AT.timestamp() * 1000)
    points = (Point(from_ms + begins * 60_000, Decimal(0)), Point(from_ms + ends * 60_000, Decimal(ENERGY_WH)))
    priced = price_charge(TIME_OF_USE, points)
    if isinstance(priced, Incomplete):
        raise LabError(f"no price: {priced}", subject=TIME_OF_USE.id)
    return priced.total.before_tax


def _clock(ms: int | None) -> str:
    return "-" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M")


ATTACK = Attack(
    line="T13",
    title="charges by day are told as of the night, when energy costs half",
    steps=(
        "charge in the evening before the price falls, and tell all times 75 minutes ahead",
        "charge in the morning after it rose, and set the clock back before the stop",
        "charge in the morning, and tell all times 75 minutes behind, over a connection that is there all the while",
        "let the sessions be billed",
    ),
    defence="both times are kept; a time that had not come, a clock that jumps and what is told late by a station that "
    "was heard keep a session from being billed under a tariff that goes by the clock",
    without="the detectors of the station's time are left out of the watch",
    residual="up to five minutes ahead, a quarter of an hour behind; who cuts the link for so long may tell what was "
    "then as of any minute of that time, which time_differs notes",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
