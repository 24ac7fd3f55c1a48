"""Energy is sold once: what a meter signed, and what an EVSE delivered at a time, belong to one charge."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.base.units import ROUNDING_WH
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Report
from wattseal.crypto.hashes import sha256
from wattseal.model.provider import Dispute
from wattseal.model.verdict import Source
from wattseal.parties.emsp.books import Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.settlement import Claim
from wattseal.seal.fields import Meter
from wattseal.seal.item import Group

EVIDENCE, DELIVERED = "sold_evidence", "delivered"
"""Kinds of documents: which charge a meter's record was paid for, and what an EVSE delivered for one, and when."""
_OWN_CHAIN = frozenset({Source.EDGE, Source.STATION})
HANDOVER_MS = 60_000
"""One charge may seem to begin so long before the one before it ends."""


@dataclass(frozen=True, slots=True)
class Sold:
    """The charge that a meter's record was paid for (its subject, hex)."""

    subject: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was paid for at an EVSE: times in Unix ms, registers in Wh, and the charge."""

    subject: str
    start_ms: int
    end_ms: int
    start_wh: Decimal
    end_wh: Decimal

    def overlaps(self, other: "Delivered") -> bool:
        """Return whether both are of one stretch of the register at one time: no EVSE delivers that twice."""
        apart_ms = min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms)
        apart_wh = min(self.end_wh, other.end_wh) - max(self.start_wh, other.start_wh)
        return self.subject != other.subject and apart_ms > HANDOVER_MS and apart_wh >= ROUNDING_WH


async def sold_before(desk: Desk, bundle: Bundle, claim: Claim, report: Report) -> Dispute | None:
    """Return why a bundle asks for energy that another charge was paid for; None: it does not."""
    for mark in _marks(desk, bundle, claim):
        known = await desk.books.get(EVIDENCE, mark, Sold)
        if known is not None and known.subject != claim.subject.hex():
            return Dispute(7, "evidence_sold_before", "evidence", detail=f"paid for with charge {known.subject}")
    own = _delivered(claim, report)
    async for other in _beside(desk, claim, own):
        if own is not None and own.overlaps(other):
            return Dispute(7, "energy_sold_before", "register_wh", detail=f"paid for with charge {other.subject}")
    return None


def keep_sold(desk: Desk, entries: Entries, bundle: Bundle, claim: Claim, report: Report) -> None:
    """Put into the step what a charge is paid for."""
    books = desk.books
    entries.puts += [books.put(EVIDENCE, mark, Sold(claim.subject.hex())) for mark in _marks(desk, bundle, claim)]
    own = _delivered(claim, report)
    if own is not None:
        entries.puts.append(books.put(DELIVERED, f"{_evse(claim)} {own.end_ms:015} {own.subject}", own))


def _marks(desk: Desk, bundle: Bundle, claim: Claim) -> list[str]:
    """Return what each record of a meter says, as hashes: the second form of a signature makes no other record."""
    found: dict[str, None] = {}
    for item in bundle.items:
        content = desk.shown(bundle, item, Group.METER) if item.payload.subject == claim.subject else None
        for _, raw in () if content is None else Meter.read(content.fields).evidence:
            mark = _mark(raw)
            if mark is not None:
                found[mark] = None
    return list(found)


def _mark(raw: bytes) -> str | None:
    """Return the mark of one record, None where nothing in it tells it from the next one's."""
    try:
        said = evidence.parse_transaction((raw,))
    except InputError:
        return None
    told = [[str(r.at), r.moment.value, r.register, str(r.value_wh)] for r in said.readings]
    if not said.page and all(r.at is None for r in said.readings):
        return None
    return sha256(json.dumps([sorted(said.serials()), said.page, told]).encode()).hex()


def _delivered(claim: Claim, report: Report) -> Delivered | None:
    """Return what a verified charge comes to; None of one that is at no EVSE in particular.

    A chain of the station's own signer has no charge twice. The CPO's own could tell one again, and there the station's
    times are what the meter bears out.
    """
    started = claim.started
    if started is None or started.payload.stream == 0 or not report.points or report.source in _OWN_CHAIN:
        return None
    first, last = report.points[0], report.points[-1]
    if first.register_wh is None or last.register_wh is None:
        return None
    return Delivered(claim.subject.hex(), first.ms, last.ms, first.register_wh, last.register_wh)


def _evse(claim: Claim) -> str:
    stream = 0 if claim.started is None else claim.started.payload.stream
    return f"{claim.origin.removesuffix('~csms')}#{stream}"


async def _beside(desk: Desk, claim: Claim, own: Delivered | None) -> AsyncIterator[Delivered]:
    """Yield what was paid for at the same EVSE and ended after this charge began."""
    if own is None:
        return
    evse = _evse(claim)
    async for key, put in desk.books.after(DELIVERED, f"{evse} {own.start_ms:015}"):
        if not key.startswith(f"{evse} "):
            return
        yield msgspec.json.decode(put, type=Delivered)
