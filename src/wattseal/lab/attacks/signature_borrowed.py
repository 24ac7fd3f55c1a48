"""T53: an operator proves more energy by a good signature of another meter, or of another session."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from wattseal.bundle import foreign
from wattseal.bundle.report import Report
from wattseal.crypto.keys import Algorithm
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN, Evidence, Paper, fresh, told
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.seal.registry import Role

ROUNDS = 12
TRUE_WH, EARLIER_WH = (500, 2_000), (20_000, 60_000)
MINUTE_MS = 60_000
APART_MIN = (90, 3 * 24 * 60)


async def _perform(lab: Lab) -> Found:
    return _borrow(lab)


async def _control(lab: Lab) -> Found:
    with swapped(foreign, "_compare", lambda *_: None):
        return _borrow(lab)


class _Meters:
    """The station's meter, which has signed a large session before a small one, and another meter of the operator's."""

    def __init__(self, lab: Lab, paper: Paper) -> None:
        self.paper = paper
        self.other = fresh(Algorithm.ESP256)
        start, big, small = (Decimal(lab.dice.number(*each)) for each in ((0, 10**6), EARLIER_WH, TRUE_WH))
        self.before_ms = AT_MS - lab.dice.number(*APART_MIN) * MINUTE_MS
        self.start_wh, self.between_wh, self.end_wh = start, start + big, start + big + small

    def own(self) -> tuple[Decimal, Decimal]:
        """Return the registers of the session to be billed, as they truly are."""
        return self.between_wh, self.end_wh

    def earlier(self) -> Sequence[bytes]:
        """Return the record of the session before."""
        return [self._signed(("B", self.start_wh, self.before_ms), ("E", self.between_wh, self._end(self.before_ms)))]

    def later(self) -> Sequence[bytes]:
        """Return a record that the same meter made a day later, over as much energy."""
        at_ms = AT_MS + 24 * 60 * MINUTE_MS
        return [self._signed(("B", self.start_wh, at_ms), ("E", self.between_wh, self._end(at_ms)))]

    def begin_of_earlier(self) -> Sequence[bytes]:
        """Return the begin of the session before and the end of this one."""
        begin = self._signed(("B", self.start_wh, self.before_ms))
        return [begin, self._signed(("E", self.end_wh, self._end(AT_MS)))]

    def another_meter(self) -> Sequence[bytes]:
        """Return a record of this very time by a meter that is enrolled at another station."""
        readings = [("B", self.start_wh, AT_MS), ("E", self.between_wh, self._end(AT_MS))]
        return [self.paper.record(readings, key=self.other, serial="MTR2")]

    def own_record(self) -> Sequence[bytes]:
        """Return the session's own record."""
        return [self._signed(("B", self.between_wh, AT_MS), ("E", self.end_wh, self._end(AT_MS)))]

    def _signed(self, *readings: tuple[str, Decimal, int]) -> bytes:
        return self.paper.record(readings)

    @staticmethod
    def _end(begin_ms: int) -> int:
        return begin_ms + LASTS_MIN * MINUTE_MS


Way = Callable[[_Meters], Sequence[bytes]]
WAYS: dict[str, tuple[Way, Callable[[_Meters], tuple[Decimal, Decimal]]]] = {
    "the session before": (_Meters.earlier, lambda m: (m.start_wh, m.between_wh)),
    "a session a day later": (_Meters.later, lambda m: (m.start_wh, m.between_wh)),
    "begin of the one before": (_Meters.begin_of_earlier, lambda m: (m.start_wh, m.end_wh)),
    "another station's meter": (_Meters.another_meter, lambda m: (m.start_wh, m.between_wh)),
    "its own, under other registers": (_Meters.own_record, lambda m: (m.start_wh, m.end_wh)),
}


def _borrow(lab: Lab) -> Found:
    said: dict[str, str] = {}
    passed = []
    for _ in range(ROUNDS):
        paper = Paper()
        for name, (way, registers) in WAYS.items():
            meters = _Meters(lab, paper)
            start, end = registers(meters)
            evidence = tuple(("OCMF", raw) for raw in way(meters))
            report = _judged(paper, meters, (start, end), evidence)
            said[name] = told(report)
            if paper.accepted(report):
                passed.append(f"{name}: {told(report)}")
        meters = _Meters(lab, paper)
        own = _judged(paper, meters, meters.own(), (("OCMF", meters.own_record()[0]),))
        if not paper.accepted(own):
            raise LabError(f"an honest session is {told(own)}", subject="bundle")
    if passed:
        return Found(Outcome.MISSED, passed[0])
    text = "; ".join(f"{name}: {each}" for name, each in said.items())
    tried = Figure("borrowed signatures", ROUNDS * len(WAYS), "bundles")
    return Found(Outcome.PREVENTED, text, records=1, figures=(tried,))


def _judged(paper: Paper, meters: _Meters, registers: tuple[Decimal, Decimal], evidence: Evidence) -> Report:
    granted = paper.authorised()
    session = paper.session(int(registers[0]), int(registers[1]), authorised=granted, evidence=evidence)
    cdr = paper.summary(session, granted.tariff, granted.terms)
    elsewhere = paper.entry(Role.METER, "METER", meters.other.public.spki, "CPO/ST2", custodian="SITE", meter_id="MTR2")
    entries = (*paper.entries, paper.enrolled(elsewhere))
    others = [granted.request, granted.decision, granted.tariff]
    return paper.judged(paper.bundle(session, others, cdr, entries))


ATTACK = Attack(
    line="T53",
    title="a good signature of another meter or session proves more energy",
    steps=(
        "take a record that a meter truly signed: of the session before, a later one, another station's meter",
        "or put the begin of the session before in front of this one's end, or other registers beside its own record",
        "write it into the records of a small session, sign those with the operator's key, and log and bundle them",
    ),
    defence="evidence counts under the station's enrolled keys, where register and time are the record's; the rest is "
    "G1, which no eMSP takes from a station with an enrolled meter",
    without="what the evidence says is not held against the record it stands in",
    residual="a meter whose clock is not synchronised is compared by its registers alone; that is a finding",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
