"""T27: one frame in k is swallowed on the way; against that, honest outages in which frames are only late."""

from dataclasses import dataclass

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome, Series
from wattseal.lab.lab import Lab
from wattseal.lab.means.gray_link import Seen, kept, swallowed
from wattseal.lab.means.kept_back import without
from wattseal.watch import Watch
from wattseal.wire.ocpp.version import Version

ONE_IN = (1, 2, 5, 10, 20, 50)
SESSIONS = {1: 2, 2: 8, 5: 8, 10: 12, 20: 16, 50: 24}
"""Of the day, by how rarely frames are lost: in enough of them something has to be."""
WITHIN_S, WITHIN_RECORDS = 300, 10
OUTAGES_MIN = (5, 15, 60, 240)
QUEUES = (("in order", 30, False), ("newest first", 30, True), ("newest first, two a minute", 2, True))
"""How a station empties its queue: in which order, and how many messages a minute."""
CODES = ("messages_missing", "missing_stop", "sequence_gap", "unaccounted_session", "unaccounted_energy", "silence")


@dataclass(frozen=True, slots=True)
class _Rate:
    """One rate of loss: sessions robbed of something and those told of; the longest it took, in s and in records."""

    one_in: int
    robbed: int
    told: int
    seconds: tuple[float, ...]
    records: tuple[int, ...]

    @property
    def in_time(self) -> bool:
        """Whether each was told within so many seconds or records."""
        both = zip(self.seconds, self.records, strict=True)
        return all(seconds <= WITHIN_S or records <= WITHIN_RECORDS for seconds, records in both)


async def _perform(lab: Lab) -> Found:
    rates = [await _lose(lab, one_in, Watch()) for one_in in ONE_IN]
    outages = [await _outages(lab, *each) for each in QUEUES]
    false = sum(raised for _, lines in outages for raised, _ in lines)
    stand = sum(standing for _, lines in outages for _, standing in lines)
    robbed, told = sum(each.robbed for each in rates), sum(each.told for each in rates)
    late = [each.one_in for each in rates if each.one_in > 1 and not each.in_time]
    figures = (
        Figure("sessions robbed of a frame", robbed, ""),
        Figure("of these told of", told, ""),
        Figure("longest at 1 in 2 and less", max(s for each in rates[1:] for s in each.seconds), "s"),
        Figure("alarms in honest outages", false, ""),
        Figure("of these not over by themselves", stand, ""),
    )
    series = (*_drawn(rates), *_drawn_outages(outages))
    if told < robbed or late or stand:
        text = f"{robbed - told} of {robbed} robbed sessions untold; too late at 1 in {late}; {stand} false alarms"
        return Found(Outcome.MISSED, text, figures=figures, series=series)
    seconds = max(seconds for each in rates[1:] for seconds in each.seconds)
    records = max(records for each in rates[1:] for records in each.records)
    text = (
        f"all {told} sessions of which a frame was swallowed have an alarm within {records} records (messages_missing, "
        f"missing_stop; silence at 1 in 1); {len(OUTAGES_MIN) * len(QUEUES)} outages raised {false}, all over"
    )
    return Found(Outcome.DETECTED, text, seconds, records, figures, series)


async def _control(lab: Lab) -> Found:
    rates = [await _lose(lab, one_in, without(*CODES)) for one_in in (2, 10)]
    robbed, told = sum(each.robbed for each in rates), sum(each.told for each in rates)
    outcome = Outcome.DETECTED if told == robbed else Outcome.MISSED
    return Found(outcome, f"{robbed - told} of {robbed} sessions lost a frame on the way and nobody was told")


async def _lose(lab: Lab, one_in: int, watch: Watch) -> _Rate:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        line = await cpo.enrol("ST1")
        line.version = Version.V201
        await cpo.token("CARD")
        await line.call("Heartbeat", {})
        seen = await swallowed(cpo, line, SESSIONS[one_in], lambda: lab.dice.number(1, one_in) == 1)
    delays = {session: delay for session in seen.lost if (delay := _delay(seen, session)) is not None}
    seconds, records = tuple(s for s, _ in delays.values()), tuple(r for _, r in delays.values())
    return _Rate(one_in, len(seen.lost), len(delays), seconds, records)


def _delay(seen: Seen, session: int) -> tuple[float, int] | None:
    """Return after how many seconds and frames a session's first loss was told of; None where it was not."""
    alarm = seen.told(session)
    if alarm is None:
        return None
    lost = seen.lost[session]
    minute = (alarm.at_ms - seen.began_ms) / 60_000
    return max(0.0, (minute - lost) * 60), sum(lost < each <= minute for each in seen.arrived)


Outages = tuple[str, list[tuple[int, int]]]


async def _outages(lab: Lab, name: str, sends: int, newest_first: bool) -> Outages:  # noqa: FBT001 - a row of `QUEUES`
    """Return, by length of the outage, how many alarms of an attack were raised and how many of them still stand."""
    found = []
    for length in OUTAGES_MIN:
        async with lab.clockwork() as cpo:
            line = await cpo.enrol("ST1")
            line.version = Version.V201
            await cpo.token("CARD")
            begins = lab.dice.number(42, 62)
            seen = await kept(cpo, line, (begins, length), sends, newest_first=newest_first)
        alarms = [each for each in seen.alarms if each.code != "silence"]
        found.append((len(alarms), sum(each.over_ms is None for each in alarms)))
    return name, found


def _drawn(rates: list[_Rate]) -> tuple[Series, ...]:
    """Return the plots of detection and delay."""
    share = tuple((100 / each.one_in, 100 * each.told / max(each.robbed, 1)) for each in reversed(rates))
    mean = tuple((100 / r.one_in, sum(r.seconds) / max(len(r.seconds), 1)) for r in reversed(rates))
    most = tuple((100 / each.one_in, max(each.seconds, default=0)) for each in reversed(rates))
    records = tuple((100 / each.one_in, float(max(each.records, default=0))) for each in reversed(rates))
    delay = "Gray hole: delay"
    return (
        Series("Gray hole: detection by drop rate", "sessions told of", "% of frames swallowed", "%", share),
        Series(delay, "mean", "% of frames swallowed", "s", mean),
        Series(delay, "longest", "% of frames swallowed", "s", most),
        Series("Gray hole: delay in records", "longest", "% of frames swallowed", "records", records),
    )


def _drawn_outages(outages: list[Outages]) -> tuple[Series, ...]:
    """Return the plot of false alarms."""
    plot = "False alarms under honest outages"
    return tuple(
        Series(plot, f"{name}, {what}", "minutes of outage", "alarms", points)
        for name, lines in outages
        for number, what in enumerate(("raised", "not over once all had come"))
        for points in [tuple((float(m), float(line[number])) for m, line in zip(OUTAGES_MIN, lines, strict=True))]
    )


ATTACK = Attack(
    line="T27",
    title="a gray hole swallows one frame in k",
    steps=(
        "sit between station and CSMS, answer the station in its place, swallow frames by chance: 1 in 1 to 1 in 50",
        "let sessions of 13 events run, with heartbeats and connector states, and swallow of these as well",
        "against that: outages of 5 minutes to 4 hours, after which everything arrives, in order or the newest first",
    ),
    defence="numbers of a session's messages, and its EVSE's state: a gap that is filled was an outage, one that stays "
    "open although the station is heard is an alarm",
    without="the detectors of gaps, missing stops, unaccounted energy and silence are left out of the watch",
    residual="1.6 has no numbers: there a swallowed reading is not seen, a swallowed stop by the state of its EVSE or "
    "the next start; a station that empties hours of a queue slowly and newest first raises alarms that are over once "
    "all has come; silence takes two heartbeats",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
    within_s=240,
)
