"""The grade of a transaction as this CSMS sees it now; a verifier with a trust file of its own has the last word."""

from wattseal.base.ids import Subject
from wattseal.bundle.grade import COSIGN_WITHIN_S, Standing, grade
from wattseal.bundle.proofs import CLOCKS_APART_MS
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.ports import KeptItem
from wattseal.flow.world import World
from wattseal.model.transaction import VEHICLE, Transaction
from wattseal.model.verdict import Grade, Source, Verdict
from wattseal.rules.transactions import METER_COMPLETE


async def grade_now(world: World, proofs: Proofs, transaction: Transaction) -> Grade | None:
    """Return the grade an ended transaction has reached; it rises as witnesses cosign.

    None while it runs, and where evidence in it does not verify, or is of a time that had not come yet by the clocks of
    witnesses: then ours was ahead, and verifiers take none of it. What a vehicle signed changes nothing here. A settled
    transaction shows the grade that the eMSP's verifier gave.
    """
    if transaction.ended is None:
        return None
    if transaction.settled is not None and transaction.settled.grade is not None:
        return Grade(transaction.settled.grade)
    if any(v.verdict is Verdict.INVALID and v.record != VEHICLE for v in transaction.verdicts):
        return None
    cosigned = await _cosigned(world, proofs, transaction)
    if cosigned is None:
        return None
    parties, in_time = cosigned
    own = {world.party}
    return grade(
        Standing(
            source=transaction.source,
            cosigned_in_time=in_time,
            independent_cosigners=len(parties - own),
            complete=_complete(transaction),
            forwarder_can_read=not transaction.sealed,
        )
    )


def _complete(transaction: Transaction) -> bool:
    codes = {note.code for note in (*transaction.findings, *transaction.alarms)}
    if transaction.source is Source.METER:
        return METER_COMPLETE in codes
    return not codes & {"chain_gap", "chain_fork"}


async def _cosigned(world: World, proofs: Proofs, transaction: Transaction) -> tuple[set[str], bool] | None:
    """Return the parties that cosigned both start and end, and whether others than the log's did within a day.

    None where one was cosigned before it was made.

    Within a day of each logged record between them too, as verifiers ask: a clock may have been put back meanwhile.
    Where one was not cosigned in time no grade depends on who cosigned the others. The last come first: they are those
    that wait for the next checkpoint.
    """
    if not proofs.state():
        return set(), False
    subject = Subject(bytes.fromhex(transaction.id))
    kept = await world.journal.items_by_subject(world.tenant, subject)
    bounds = [k for k in kept if k.item.payload_hash.hex() in {transaction.started, transaction.ended}]
    parties: set[str] | None = None
    for one in reversed(kept):
        bound = one in bounds
        if not bound and (one.log_index is None or not _between(one, bounds)):
            continue
        found = None if one.log_index is None else await proofs.cosigners(one.log_index)
        others = {p: ms for p, ms in (found or {}).items() if p != world.party}
        after_ms = [ms - one.item.recorded_at_ms for ms in others.values()]
        if after_ms and min(after_ms) < -CLOCKS_APART_MS:
            return None
        if not any(ms <= COSIGN_WITHIN_S * 1000 for ms in after_ms):
            return set(), False
        if bound:
            parties = set(others) if parties is None else parties & set(others)
    return parties or set(), parties is not None


def _between(one: KeptItem, bounds: list[KeptItem]) -> bool:
    """Return whether a record stands between these in their chain."""
    places = [(k.item.origin, k.item.stream, k.item.epoch, k.item.seq) for k in bounds]
    return bool(places) and min(places) < (one.item.origin, one.item.stream, one.item.epoch, one.item.seq) < max(places)
