"""T56: the other valid form of an ECDSA signature, (r, n - s), makes a second record out of one."""

from dataclasses import replace
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from wattseal import evidence
from wattseal.app.settings_money import Billing
from wattseal.crypto import keys
from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN, LOG, STATION, Paper, Pen, fresh
from wattseal.lab.lab import Lab
from wattseal.lab.means.signing_site import signing_site
from wattseal.lab.null import swapped
from wattseal.model.transaction import Billing as Stand
from wattseal.model.verdict import Verdict
from wattseal.seal.item import Item, Kind
from wattseal.seal.writer import Writer

RECORDS = 200
ENERGY_WH = (5_000, 30_000)


async def _perform(lab: Lab) -> Found:
    return await _twins(lab)


async def _control(lab: Lab) -> Found:
    with swapped(keys, "P256_HALF_ORDER", P256_ORDER):
        return await _twins(lab)


async def _twins(lab: Lab) -> Found:
    second = _records(lab)
    if second:
        return Found(Outcome.MISSED, f"{second} of {RECORDS} records count under a second signature, as other leaves")
    wh = _evidence(lab)
    billed, codes = await _billed_twice(lab)
    if wh or billed:
        return Found(Outcome.MISSED, f"a meter's record counted again under its other signature: {wh}, {billed}")
    text = (
        f"none of {RECORDS} records verifies under (r, n - s); a meter's record and its twin give its energy once, and "
        f"the twin in a second session: {codes}"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("twins tried", RECORDS + 2, "signatures"),))


def _records(lab: Lab) -> int:
    """Return how many records verify under both forms, and so would be two entries of the log."""
    key = fresh(Algorithm.ESP256)
    pen = Pen(Writer.new(STATION, LOG, key, lambda n: lab.dice.word(n).encode()[:n]), 1)
    found = 0
    for number in range(RECORDS):
        item = pen.write(Kind.HEARTBEAT, AT_MS + number * 1000)
        twin = _twin(item)
        if not item.verify(key.public, LOG):
            raise LabError("an honest record is refused", subject=str(number))
        found += twin.verify(key.public, LOG) and twin.leaf_entry() != item.leaf_entry()
    return found


def _twin(item: Item) -> Item:
    if item.signature is None:
        raise LabError("a heartbeat is signed", subject="item")
    made = item.signature.signature
    other = made[:32] + (P256_ORDER - int.from_bytes(made[32:])).to_bytes(32)
    return Item(item.payload, item.payload_bytes, replace(item.signature, signature=other), item.boxes)


def _other_der(record: bytes) -> bytes:
    """Return a meter's record with the other form of its signature; meters sign either."""
    head, payload, signature = record.split(b"|")
    start = signature.index(b'"SD":"') + 6
    der = signature[start : signature.index(b'"', start)]
    r, s = decode_dss_signature(bytes.fromhex(der.decode()))
    return b"|".join((head, payload, signature.replace(der, encode_dss_signature(r, P256_ORDER - s).hex().encode())))


def _evidence(lab: Lab) -> str:
    """Put a record and its twin into one session's proof: the energy must be the meter's, once."""
    paper = Paper()
    start, energy = lab.dice.number(0, 10**6), lab.dice.number(*ENERGY_WH)
    readings = (("B", Decimal(start), AT_MS), ("E", Decimal(start + energy), AT_MS + LASTS_MIN * 60_000))
    record = paper.record(readings)
    twin = _other_der(record)
    if evidence.check(twin, [paper.keys.meter.public.spki]).verdict is not Verdict.VALID:
        raise LabError("a meter's signature holds in both its forms", subject="OCMF")
    granted = paper.authorised()
    session = paper.session(start, start + energy, authorised=granted, evidence=(("OCMF", record), ("OCMF", twin)))
    cdr = paper.summary(session, granted.tariff, granted.terms)
    report = paper.judged(paper.bundle(session, [granted.request, granted.decision, granted.tariff], cdr))
    return "" if report.energy_wh in {None, energy} else f"{report.energy_wh} Wh of {energy}"


async def _billed_twice(lab: Lab) -> tuple[str, str]:
    """Tell a session again with the twin as its evidence; return the second bill, "" for none, and what was noted."""
    async with lab.clockwork(billing=Billing(wait_s=0)) as cpo:
        site = await signing_site(cpo, "ST1")
        kept: list[bytes] = []

        def keep(record: bytes) -> bytes:
            kept.append(record)
            return record

        energy_wh = lab.dice.number(*ENERGY_WH)
        first = await site.charge(energy_wh, spoil=keep)
        if first.bill is None:
            raise LabError(f"an honest session is not billed: {first.codes}", subject=first.transaction.id)
        again = await site.charge(energy_wh, spoil=lambda _: _other_der(kept[0]))
        billed = again.bill is not None or again.transaction.billing is not Stand.QUARANTINED
        return ("billed again" if billed else ""), f"{again.transaction.billing.value}, {again.codes}"


ATTACK = Attack(
    line="T56",
    title="the other form of an ECDSA signature makes a second record out of one",
    steps=(
        f"turn the signatures (r, s) of {RECORDS} records into (r, n - s), which signs the same bytes",
        "verify them: what holds would be a second leaf of the log, and another record to whoever compares bytes",
        "do so with a meter's record, put both into one proof, and tell the twin as a second session's evidence",
    ),
    defence="of a record's two signatures the one with the upper s is refused; meters' records are told by page",
    without="both forms are taken",
    residual="foreign formats allow both forms: bytes of evidence are no identity, the meter's page is",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
