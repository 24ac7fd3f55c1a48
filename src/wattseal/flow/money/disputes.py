"""Disputes: opened with a bundle, shown with both sides' evidence, decided by a person in a signed record.

Whoever shows a bundle may dispute the session it is about: the session's pseudonym is random, and only who was given
the evidence knows it. Opening says nothing about who is right. The same bundle from the same opener is one dispute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.compare import Difference, differences
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.crypto.hashes import sha256
from wattseal.flow.charges.bundling import NotYet, Proofs, assemble
from wattseal.flow.claims import claimed
from wattseal.flow.documents import TRANSACTION, put, read
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.credits import TakeBack, check_amounts, prepare, take_back
from wattseal.flow.money.records import append_money, money_ready, write_money
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.billing import TaxShare
from wattseal.model.dispute import Claim, Decided, Dispute, DisputeVerdict
from wattseal.model.transaction import Transaction
from wattseal.seal.dispute import DisputeDecided, DisputeOpened
from wattseal.seal.item import Kind

DISPUTE, DISPUTE_BUNDLE, DISPUTE_BY = "dispute", "dispute_bundle", "dispute_by"
"""Kinds of documents: a dispute by id, its bundle by id, and the dispute of an opener and a bundle."""
DECIDE_WITHIN_MS = 30 * 86_400_000
"""A dispute is to be decided within so long of its opening; it stays open after that, and says that it is late."""
MAX_OPEN = 10_000
"""Disputes that may be open at a time; more are refused (`too_many_disputes`) until some are decided."""
MAX_REASON, MAX_TEXT = 64, 2000


@dataclass(frozen=True, slots=True)
class ShownBundle:
    """Document: the bundle a dispute was opened with."""

    bundle: bytes


@dataclass(frozen=True, slots=True)
class DisputeId:
    """Document: which dispute it is."""

    id: str


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides' evidence: what the verifier says of each bundle, and where they differ, in the chain's order.

    `ours` is None where this CPO has no bundle of its own; `why_not` says why: "unknown" (no such session), "active"
    (it has not ended) or "checkpoint" (wait for the log and its witnesses).
    """

    theirs: Report
    ours: Report | None
    why_not: str = ""
    differences: tuple[Difference, ...] = ()


async def open_dispute(world: World, opened_by: str, bundle: bytes, claim: Claim) -> tuple[Dispute, bool]:
    """Open a dispute, durable on return; (dispute, whether it is new). Bytes that are no bundle are an `InputError`."""
    parsed = parse_bundle(bundle)
    digest = sha256(bundle)
    known = await world.journal.document(world.tenant, DISPUTE_BY, f"{opened_by}/{digest.hex()}")
    if known is not None:
        found = await find_dispute(world, read(known, DisputeId).id)
        if found is not None:
            return found, False
    if len(await world.journal.documents(world.tenant, DISPUTE, active=True, limit=MAX_OPEN)) >= MAX_OPEN:
        text = f"{MAX_OPEN} disputes are open; decide some first"
        raise InputError(text, code="too_many_disputes", subject="disputes")
    report = check_bundle(bundle, world.trust, [world.seal_key])
    transaction = await _disputed(world, parsed)
    step = Step(world, transaction.station_id if transaction else "", world.now_ms())
    failure = report.failure
    opened = DisputeOpened(
        opened_by=opened_by,
        reason=claim.reason[:MAX_REASON],
        text=claim.text[:MAX_TEXT],
        bundle=digest,
        verdict=report.verdict.value,
        due_ms=step.now_ms + DECIDE_WITHIN_MS,
        step=failure.number if failure else None,
        failure=failure.reason if failure else None,
        currency=claim.currency,
        total_incl_vat=claim.total_incl_vat,
    )
    ended = transaction.ended if transaction else None
    refs = () if ended is None else (bytes.fromhex(ended),)
    subject = None if transaction is None else bytes.fromhex(transaction.id)
    written = await write_money(step, Kind.DISPUTE, opened.to_fields(), refs=refs, subject=subject)
    dispute = Dispute(
        id=f"{step.now_ms:015d}-{written.hash.hex()[:16]}",
        transaction=None if transaction is None else transaction.id,
        opened_by=opened_by,
        opened_ms=step.now_ms,
        due_ms=opened.due_ms,
        claim=claim,
        bundle=digest.hex(),
        verdict=report.verdict.value,
        record=written.hash.hex(),
        step=opened.step,
        failure=opened.failure or "",
        field=failure.field if failure else "",
        place=failure.record if failure else "",
    )
    step.puts.append(put_dispute(dispute, step.now_ms))
    step.puts.append(put(DISPUTE_BUNDLE, dispute.id, ShownBundle(bundle), step.now_ms))
    step.puts.append(put(DISPUTE_BY, f"{opened_by}/{digest.hex()}", DisputeId(dispute.id), step.now_ms))
    await step.commit()
    world.count("dispute_opened")
    return dispute, True


def put_dispute(dispute: Dispute, now_ms: int) -> Put:
    """Return a dispute's document; it is active until it is decided."""
    return put(DISPUTE, dispute.id, dispute, now_ms, active=dispute.open)


async def _disputed(world: World, bundle: Bundle) -> Transaction | None:
    """Return the session here that a bundle is about, by the pseudonym that its records bear."""
    for subject in {item.payload.subject for item in bundle.items} - {None}:
        found = await transaction_of(world, (subject or b"").hex())
        if found is not None:
            return found
    return None


async def transaction_of(world: World, transaction_id: str | None) -> Transaction | None:
    """Return a transaction by our id."""
    if transaction_id is None:
        return None
    document = await world.journal.document(world.tenant, TRANSACTION, transaction_id)
    return None if document is None else read(document, Transaction)


async def find_dispute(world: World, dispute_id: str) -> Dispute | None:
    """Return a dispute by its id."""
    document = await world.journal.document(world.tenant, DISPUTE, dispute_id)
    return None if document is None else read(document, Dispute)


async def list_disputes(world: World, *, after: str, limit: int, is_open: bool | None) -> Sequence[Dispute]:
    """Return disputes in the order they were opened: all, the open ones, or those decided."""
    page = await world.journal.documents(world.tenant, DISPUTE, active=is_open, after=after, limit=limit)
    return [read(document, Dispute) for document in page]


async def bundle_of(world: World, dispute: Dispute) -> bytes:
    """Return the bundle a dispute was opened with."""
    document = await world.journal.document(world.tenant, DISPUTE_BUNDLE, dispute.id)
    return b"" if document is None else read(document, ShownBundle).bundle


async def sides_of(world: World, proofs: Proofs, dispute: Dispute) -> Sides:
    """Check both sides' bundles now, under the trust file in force, and compare them."""
    shown = await bundle_of(world, dispute)
    theirs = check_bundle(shown, world.trust, [world.seal_key])
    transaction = await transaction_of(world, dispute.transaction)
    if transaction is None:
        return Sides(theirs, None, "unknown")
    made = await assemble(world, proofs, transaction, billing_party=False)
    if isinstance(made, NotYet):
        return Sides(theirs, None, made.reason)
    ours = check_bundle(made.encode(), world.trust, [world.seal_key])
    found = () if theirs.verdict is Outcome.UNREADABLE else differences(parse_bundle(shown), made)
    return Sides(theirs, ours, "", found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A person's decision on a dispute, before it is a record; `amounts` are what is right where it is so in part."""

    verdict: DisputeVerdict
    person: str
    text: str
    amounts: tuple[TaxShare, ...] = ()


async def decide(world: World, dispute: Dispute, told: Verdict) -> Dispute:
    """Decide a dispute for good, signed and durable on return.

    One that is upheld takes the bill back, whole or with another in its place, in the same commit. Codes of the
    `InputError`: `already_decided`, `being_decided`, `nothing_billed` (only a bill can be taken back; what has not been
    billed is waived in quarantine), and those of `credits.check_amounts`.
    """
    keys = {f"dispute {dispute.id}"} | ({dispute.transaction} if dispute.transaction is not None else set())
    with claimed(world, keys) as mine:
        if not mine:
            text = "this dispute or its session is being decided, or invoiced, right now; try again"
            raise InputError(text, code="being_decided", subject="id")
        return await _decide(world, dispute.id, told)


async def _decide(world: World, dispute_id: str, told: Verdict) -> Dispute:
    dispute = await find_dispute(world, dispute_id)
    if dispute is None or dispute.decided is not None:
        text = "this dispute has been decided; open another one with what is new"
        raise InputError(text, code="already_decided", subject="id")
    transaction = await transaction_of(world, dispute.transaction)
    ended = transaction.ended if transaction else None
    refs = tuple(found for found in (dispute.record, ended) if found is not None)
    taken = None if told.verdict is DisputeVerdict.REJECTED else await _taking_back(world, transaction, told, refs)
    step = Step(world, transaction.station_id if transaction else "", world.now_ms())
    corrected = None if taken is None else taken.corrected
    net = sum((part.net for part in told.amounts), Decimal(0)) if corrected is not None else None
    tax = sum((part.tax for part in told.amounts), Decimal(0)) if corrected is not None else None
    content = DisputeDecided(
        verdict=told.verdict,
        person=told.person,
        text=told.text[:MAX_TEXT],
        currency=None if taken is None else taken.bill.currency,
        net=net,
        tax=tax,
        credit=None if taken is None else taken.bill.credit,
    )
    subject = None if transaction is None else bytes.fromhex(transaction.id)
    hashes = tuple(bytes.fromhex(ref) for ref in refs)
    await money_ready(world)
    written = append_money(step, Kind.DISPUTE, content.to_fields(), refs=hashes, subject=subject)
    if taken is not None:
        take_back(step, taken)
    decided = Decided(
        verdict=told.verdict,
        person=told.person,
        text=told.text[:MAX_TEXT],
        at_ms=step.now_ms,
        record=written.hash.hex(),
        net=net,
        tax=tax,
        credit=content.credit,
        reversal=None if taken is None or taken.reversal is None else taken.reversal.key,
        correction=None if taken is None or taken.correction is None else taken.correction.key,
    )
    changed = replace(dispute, decided=decided)
    step.puts.append(put_dispute(changed, step.now_ms))
    await step.commit()
    world.count(f"dispute_{told.verdict.value}")
    return changed


async def _taking_back(world: World, transaction: Transaction | None, told: Verdict, refs: tuple[str, ...]) -> TakeBack:
    """Work out what upholding a dispute does to the bill in force."""
    bill = None if transaction is None else await bill_in_force(world, transaction.id)
    if bill is None:
        text = "nothing has been billed that could be taken back; waive an unbilled session in quarantine"
        raise InputError(text, code="nothing_billed", subject="verdict")
    amounts = told.amounts if told.verdict is DisputeVerdict.PARTLY else ()
    if told.verdict is DisputeVerdict.PARTLY:
        check_amounts(bill, amounts)
    return await prepare(world, bill, refs, amounts)
