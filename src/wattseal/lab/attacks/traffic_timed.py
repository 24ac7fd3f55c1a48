"""T01: whoever sees a sealed station's link, and can open nothing of it, guesses from when how much is said."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wattseal.app.edge.edge import PACE_S
from wattseal.app.system import SystemRandom
from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.dice import Dice
from wattseal.lab.lab import Lab
from wattseal.lab.means.overheard import Frame, Said, accuracy, features, overhear
from wattseal.lab.null import swapped
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, Reading
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.edge import Heard, ended, metered, started
from wattseal.parties.edge.permits import request
from wattseal.parties.edge.state import EdgeState, Mode, Readers, Site
from wattseal.parties.edge.step import Step
from wattseal.parties.edge.upstream import Upward
from wattseal.rules import evenly
from wattseal.seal import receipt
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Decision
from wattseal.seal.item import ClockQuality, Item, Kind, parse_item
from wattseal.seal.receipt import Receipt
from wattseal.seal.registry import Registry
from wattseal.seal.writer import Draft, Reader, SubjectKeys, Writer
from wattseal.wire.ocpp import blanks

NOW_MS = 1_800_000_000_000
SESSIONS, FEWER, READING_S, CHARGE_S = 240, 80, 300, 3600
NO_BETTER, CLEARLY = 0.62, 0.8
"""With labels dealt out by chance the best of three classifiers is right in 52 % of so many sessions, give or take 3.5;
what is above the second is no luck."""
EMSPS = ("DE*AB1", "NL*XY2")
TAKES_MS = ((60, 140), (220, 420))
"""How long each eMSP takes to decide."""
CAPS_WH = (40_000, 150_000)
"""What the money set aside buys under the dear tariff and under the cheap one."""
FULL_S = (600, 1500)
CARD = IdToken("04A2B3C4D5E680", "ISO14443")


@dataclass(frozen=True, slots=True)
class Secret:
    """What a listener wants to know of a session."""

    energy: bool
    emsp: bool
    tariff: bool


QUESTIONS: dict[str, Callable[[Secret], bool]] = {
    "much or little energy": lambda each: each.energy,
    "which eMSP": lambda each: each.emsp,
    "which of two tariffs": lambda each: each.tariff,
}


async def _perform(lab: Lab) -> Found:
    right = _listen(lab.dice, SESSIONS, PACE_S, QUESTIONS)
    return _told(Outcome.PREVENTED if max(right.values()) <= NO_BETTER else Outcome.MISSED, SESSIONS, right)


async def _control(lab: Lab) -> Found:
    """Take out one defence after the other; each keeps another secret."""
    energy, emsp, tariff = QUESTIONS
    right = _listen(lab.dice, FEWER, None, (energy,))
    with swapped(evenly, "rest_of_step", lambda _elapsed_s, _step_s: 0.0):
        right |= _listen(lab.dice, FEWER, PACE_S, (emsp,))
    with swapped(blanks, "_fill", lambda payload, _around, _step: payload):
        right |= _listen(lab.dice, FEWER, PACE_S, (tariff,))
    return _told(Outcome.MISSED if min(right.values()) >= CLEARLY else Outcome.PREVENTED, FEWER, right)


def _told(outcome: Outcome, sessions: int, right: dict[str, float]) -> Found:
    figures = tuple(Figure(f"right about {question}", share * 100, "%") for question, share in right.items())
    told = ", ".join(f"{question} {share:.0%}" for question, share in right.items())
    evidence = f"of {sessions} sessions of one length he is right about {told}; guessing is right about half"
    return Found(outcome, evidence, records=sessions, figures=figures)


def _listen(dice: Dice, sessions: int, pace_s: float | None, questions: Iterable[str]) -> dict[str, float]:
    secrets = [Secret(*(bool(number >> bit & 1) for bit in range(3))) for number in range(sessions)]
    driving = _Driving(dice)
    rows = [features(driving.session(secret, pace_s)) for secret in secrets]
    return {name: accuracy(rows, list(map(QUESTIONS[name], secrets)), dice) for name in questions}


class _Driving:
    """A station behind an edge at which drivers of two eMSPs charge for an hour each."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._random = SystemRandom().bytes
        self._key = SigningKey.from_seed(Algorithm.ED25519, self._random(32))
        self._sites = [self._site(party) for party in EMSPS]

    def session(self, secret: Secret, pace_s: float | None) -> list[Frame]:
        """Let somebody charge; return what goes over the link.

        A car that takes little is full early: its station says so and has no more readings to tell.
        """
        dice, site = self._dice, self._sites[secret.emsp]
        said: list[Said] = []
        begin_s = dice.number(0, 9999) / 1000
        step, permit = request(EdgeState(), site, CARD, NOW_MS)
        took_s = dice.number(*TAKES_MS[secret.emsp]) / 1000
        decision = self._decision(site, step.items[-1], permit.keys, CAPS_WH[secret.tariff])
        said.append(Said(begin_s, step.upward[0], took_s, self._answer(site, step.upward[0], decision)))
        start_s = begin_s + took_s + dice.number(1000, 3000) / 1000
        end_s = start_s + CHARGE_S + dice.number(0, 60_000) / 1000
        full_s = end_s if secret.energy else start_s + dice.number(*FULL_S)
        at_s = [start_s + READING_S * count for count in range(1, int((full_s - start_s) / READING_S) + 1)]
        total_wh = 60_000 if secret.energy else 6_000
        said.append(self._status(start_s - 0.5, "Preparing"))
        for when_s, taken in self._records(site, step.state, start_s, [*at_s, end_s], total_wh):
            took_s = dice.number(5, 30) / 1000
            said.append(Said(when_s, taken.upward[0], took_s, self._answer(site, taken.upward[0])))
        said.append(self._status(start_s + 0.5, "Charging"))
        if not secret.energy:
            said.append(self._status(full_s, "SuspendedEV"))
        said.extend((self._status(end_s + 0.5, "Finishing"), self._status(end_s + 20, "Available")))
        return overhear(sorted(said, key=lambda one: one.at_s), start_s, end_s, pace_s)

    def _records(
        self, site: Site, state: EdgeState, start_s: float, at_s: Sequence[float], total_wh: int
    ) -> list[tuple[float, Step]]:
        """Return the steps of a start, of readings, and of an end at the last of the times."""
        transaction = TransactionId("4242")
        first = _at(start_s)
        start = {"connectorId": 1, "idTag": CARD.value, "meterStart": 0, "timestamp": first.isoformat()}
        fact = TransactionStarted(EvseId(1), first, transaction, id_token=CARD, register_wh=Decimal(0))
        step = started(state, site, _heard("StartTransaction", start), fact)
        steps = [(start_s, step)]
        for count, when_s in enumerate(at_s[:-1], 1):
            at, wh = _at(when_s), total_wh * count // len(at_s)
            sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            values = {"connectorId": 1, "transactionId": 4242, "meterValue": [{"sampledValue": [sample]}]}
            reading = Reading(at, ENERGY_IMPORT_REGISTER, Decimal(wh), "Wh", "Sample.Periodic")
            reported = MeterReported(EvseId(1), (reading,), transaction)
            step = metered(step.state, site, _heard("MeterValues", values), reported)
            steps.append((when_s, step))
        last = _at(at_s[-1])
        stop = {"transactionId": 4242, "meterStop": total_wh, "timestamp": last.isoformat(), "idTag": CARD.value}
        end = TransactionEnded(transaction, last, Decimal(total_wh), "Local")
        steps.append((at_s[-1], ended(step.state, site, _heard("StopTransaction", stop), end)))
        return steps

    @staticmethod
    def _status(at_s: float, status: str) -> Said:
        payload = {"connectorId": 1, "errorCode": "NoError", "status": status}
        return Said(at_s, Upward(action="StatusNotification", payload=payload), 0.01, b"{}")

    def _answer(self, site: Site, message: Upward, *more: bytes) -> bytes:
        """Return what the CSMS answers: a receipt for each record that is signed, and the decision."""
        items = [parse_item(data) for data in message.items]
        receipts = [self._receipt(site, item) for item in items if item.signature is not None]
        data = json.dumps({"items": [base64.b64encode(one).decode() for one in (*receipts, *more)]})
        return json.dumps({"status": "Accepted", "data": data}).encode()

    def _receipt(self, site: Site, item: Item) -> bytes:
        said = Receipt(*item.payload.place, item.hash, item.leaf_entry() or b"", 7, NOW_MS, 3600)
        return receipt.issue(said, self._key, site.log_origin).encode()

    def _decision(self, site: Site, asked: Item, keys: SubjectKeys, cap_wh: int) -> bytes:
        writer = Writer.new("MSP/authorisation", site.log_origin, self._key, self._random)
        public = Decision(TokenStatus.ACCEPTED, self._random(16), NOW_MS + 600_000, cap_wh).to_public()
        draft = Draft(Kind.DECISION, NOW_MS, ClockQuality.SYNCHRONISED, refs=(asked.hash,), public=public)
        boot = writer.append(NO_HEAD, 0, Draft(Kind.BOOT, NOW_MS, ClockQuality.SYNCHRONISED), None)
        return writer.append(boot[1], 0, draft, keys)[0].encode()

    def _site(self, party: str) -> Site:
        keys = (SealPrivateKey.from_seed(self._random(32)).public for _ in range(2))
        readers = tuple(Reader(name, key) for name, key in zip((party, "ARB"), keys, strict=True))
        return Site(
            station_id=StationId("CS1"),
            version="1.6",
            mode=Mode.SEALED,
            route=party,
            readers=Readers(readers[:1], readers),
            writer=Writer.new("CPO/CS1", "CPO/log", self._key, self._random),
            registry=Registry({}),
            token_key=bytes(32),
            heartbeat_ms=300_000,
        )


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(seconds=at_s)


def _heard(action: str, payload: object) -> Heard:
    return Heard(json.dumps([2, "00000001", action, payload]).encode(), NOW_MS)


ATTACK = Attack(
    line="T01",
    title="energy, eMSP and tariff of a sealed session are guessed from when how much goes over the link",
    steps=(
        "let drivers of two eMSPs charge for an hour each under two tariffs, some until they are full early",
        "note when each frame goes between edge and CSMS, in which direction, and how many bytes it has",
        "learn from four fifths what goes with what (neighbours, centres, the most telling measure); guess at the rest",
    ),
    defence="while a car charges the edge sends one message a step, of one length, whatever there is to say; each is "
    "answered at whole steps of half a second, in one length",
    without="one after the other: messages go when they are said; answers go when they come; frames are not filled up",
    residual="that a car charges, when and how long, to within some steps; that a driver showed a card; boots, the "
    "station's own heartbeats and commands to it go when they come; what was said while offline goes in a burst; an "
    "eMSP slower than a step shows as slow; the link is simulated, not tapped",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
