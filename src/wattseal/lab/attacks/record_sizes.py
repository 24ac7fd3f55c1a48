"""T01: whoever hears a sealed station's traffic, and can open nothing of it, guesses at its content by its sizes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import mean

from wattseal.app.system import SystemRandom
from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.dice import Dice
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, Reading
from wattseal.model.token import IdToken
from wattseal.parties.edge.edge import Heard, ended, metered, started
from wattseal.parties.edge.permits import request
from wattseal.parties.edge.state import EdgeState, Mode, Readers, Site
from wattseal.seal import groups
from wattseal.seal.registry import Registry
from wattseal.seal.writer import Reader, Writer

NOW_MS = 1_800_000_000_000
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC)
SESSIONS, READINGS = 80, 6
NO_BETTER = 0.65
"""Each kind is as frequent as the other, so that guessing is right about half; some luck is left to it."""
EMSPS, CARDS = ("DE*AB1", "NL*XY2"), ("04A2B3C4", "04A2B3C4D5E680")
LITTLE_WH, MUCH_WH = (400, 900), (40_000, 80_000)


@dataclass(frozen=True, slots=True)
class Overheard:
    """A session as it went over the wire: how long each record was; and what it was about, which he is to find out."""

    sizes: tuple[int, ...]
    energy: bool
    emsp: bool
    card: bool


async def _perform(lab: Lab) -> Found:
    return _classify(lab.dice)


async def _control(lab: Lab) -> Found:
    with swapped(groups, "pad", lambda content: content):
        return _classify(lab.dice)


def _classify(dice: Dice) -> Found:
    random = SystemRandom().bytes
    key = SigningKey.from_seed(Algorithm.ED25519, random(32))
    sites = [_site(party, key, random) for party in EMSPS]
    sessions = [_session(sites, dice, number) for number in range(SESSIONS)]
    known, unknown = sessions[: SESSIONS // 2], sessions[SESSIONS // 2 :]
    asked: dict[str, Callable[[Overheard], bool]] = {
        "much or little energy": lambda each: each.energy,
        "which eMSP": lambda each: each.emsp,
        "a short or a long card number": lambda each: each.card,
    }
    right = {question: _accuracy(known, unknown, answer) for question, answer in asked.items()}
    figures = tuple(Figure(f"right about {question}", share * 100, "%") for question, share in right.items())
    told = ", ".join(f"{question} {share:.0%}" for question, share in right.items())
    held = max(right.values()) <= NO_BETTER
    evidence = f"of {len(unknown)} sessions he is right about {told}; guessing is right about half"
    return Found(Outcome.PREVENTED if held else Outcome.MISSED, evidence, records=SESSIONS, figures=figures)


def _site(party: str, key: SigningKey, random: Callable[[int], bytes]) -> Site:
    readers = tuple(Reader(name, SealPrivateKey.from_seed(random(32)).public) for name in (party, "ARB"))
    return Site(
        station_id=StationId("CS1"),
        version="1.6",
        mode=Mode.SEALED,
        route=party,
        readers=Readers(readers[:1], readers),
        writer=Writer.new("CPO/CS1", "CPO/log", key, random),
        registry=Registry({}),
        token_key=bytes(32),
        heartbeat_ms=300_000,
    )


def _session(sites: Sequence[Site], dice: Dice, number: int) -> Overheard:
    """Let somebody charge at a meter that counts each session from zero, and keep the sizes of what goes up."""
    energy, emsp, card = (bool(number >> bit & 1) for bit in range(3))
    site = sites[emsp]
    token = IdToken(CARDS[card], "ISO14443")
    wh = dice.number(*(MUCH_WH if energy else LITTLE_WH))
    step, _ = request(EdgeState(), site, token, NOW_MS)
    start = {"connectorId": 1, "idTag": token.value, "meterStart": 0, "timestamp": AT.isoformat()}
    fact = TransactionStarted(EvseId(1), AT, TransactionId("4242"), id_token=token, register_wh=Decimal(0))
    step = step.then(started(step.state, site, _heard("StartTransaction", start), fact))
    for count in range(1, READINGS + 1):
        at, so_far = AT + timedelta(minutes=count * 5), wh * count // (READINGS + 1)
        sample = {"value": str(so_far), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        told = {"connectorId": 1, "transactionId": 4242, "meterValue": [{"sampledValue": [sample]}]}
        reading = Reading(at, ENERGY_IMPORT_REGISTER, Decimal(so_far), "Wh", "Sample.Periodic")
        reported = MeterReported(EvseId(1), (reading,), TransactionId("4242"))
        step = step.then(metered(step.state, site, _heard("MeterValues", told), reported))
    stop = {"transactionId": 4242, "meterStop": wh, "timestamp": AT.isoformat(), "idTag": token.value}
    end = TransactionEnded(TransactionId("4242"), AT + timedelta(hours=1), Decimal(wh), "Local")
    step = step.then(ended(step.state, site, _heard("StopTransaction", stop), end))
    sizes = tuple(len(item.encode()) for item in step.items if item.payload.subject is not None)
    if len(sizes) != READINGS + 3:
        raise LabError("a session has not the records it should", subject=str(len(sizes)))
    return Overheard(sizes, energy, emsp, card)


def _heard(action: str, payload: object) -> Heard:
    return Heard(json.dumps([2, "00000001", action, payload]).encode(), NOW_MS)


def _accuracy(known: Sequence[Overheard], unknown: Sequence[Overheard], answer: Callable[[Overheard], bool]) -> float:
    """Name each session by the kind whose known ones have the nearest mean sizes; return how many are right."""
    centres = {}
    for kind in (False, True):
        rows = [each.sizes for each in known if answer(each) is kind]
        centres[kind] = [mean(column) for column in zip(*rows, strict=True)]
    right = 0
    for each in unknown:
        near = {k: sum((a - b) ** 2 for a, b in zip(each.sizes, c, strict=True)) for k, c in centres.items()}
        right += (near[True] < near[False]) is answer(each)
    return right / len(unknown)


ATTACK = Attack(
    line="T01",
    title="energy, eMSP and card of a sealed session are guessed from the sizes of its records",
    steps=(
        "let drivers of two eMSPs charge little or much, with short and long card numbers; the meter begins at zero",
        "note how many bytes each record has that the edge sends up",
        "learn from half of the sessions what sizes go with what, and guess at the others",
    ),
    defence="content is filled up to powers of two before it is sealed, and every box has four wraps whoever reads it",
    without="content is sealed as long as it is",
    residual="of the records alone; their number and times on a link are `traffic-timed`'s; names of eMSPs of other "
    "lengths show in the part that the operator reads; a frame that lies at a step tells on which side of it",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
