"""What a meter signed may name the card. An erasure leaves it, for invoices rest on it; it goes with them.

The register stays: it is stated again in the record of the destruction, so that sums and proofs of the chain follow as
before. What goes is the meter's own signature over it, with whatever the meter wrote beside.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wattseal.base.ids import Subject
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.money.bills import bills_of_account
from wattseal.flow.money.invoice_list import invoices_of_account
from wattseal.flow.ports import Batch, Erased, KeptItem, Put
from wattseal.flow.replay import ERASURES, erased_by
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.invoice import SUBJECT_DIGITS
from wattseal.rules.retention import due_before
from wattseal.seal import dcbor
from wattseal.seal.erasure import RECORDS_A_RECORD, Cut, to_fields
from wattseal.seal.fields import Meter
from wattseal.seal.groups import PLAIN, Content
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft

ERASED_ACCOUNT = "erased_account"
"""Document kind, by account: whose signed meter data are to go when their time is over."""
_METER = int(Group.METER)


@dataclass(frozen=True, slots=True)
class ErasedAccount:
    """Document: what ended before `done_ms` has been seen to."""

    account: str
    done_ms: int = 0


def remember_erased(account: str, now_ms: int) -> Put:
    """Return what has an erased account's signed meter data go in time."""
    return put(ERASED_ACCOUNT, account, ErasedAccount(account), now_ms)


async def forget_meter_names(world: World) -> int:
    """Destroy what meters signed in sessions of erased people whose invoices' time is over; return of how many records.

    A session's time is as long as that of an invoice issued in the year it ended in; invoices still kept keep it.
    """
    due = due_before(world.clock.now().astimezone(UTC).date(), world.settings.retention)
    due_ms, count = int(datetime(due.year, due.month, due.day, tzinfo=UTC).timestamp() * 1000), 0
    async for document in every_document(world.journal, world.tenant, ERASED_ACCOUNT):
        known = read(document, ErasedAccount)
        if due_ms <= known.done_ms or await _has_invoices(world, known.account):
            continue
        later = False
        async for bill in bills_of_account(world, known.account, known.done_ms):
            if bill.ended_ms < due_ms:
                count += await _forget(world, bill.id[:SUBJECT_DIGITS])
            else:
                later = True
        now_ms = world.now_ms()
        seen = put(ERASED_ACCOUNT, known.account, replace(known, done_ms=due_ms), now_ms)
        left = seen if later else removal(ERASED_ACCOUNT, known.account, now_ms)
        await world.journal.commit(Batch(world.tenant, puts=(left,), scrub=True))
    return count


async def _has_invoices(world: World, account: str) -> bool:
    return any([issued.kept async for issued in invoices_of_account(world, account)])


async def _forget(world: World, session: str) -> int:
    """Destroy what a session's meter signed, with the records that say so."""
    subject = Subject(bytes.fromhex(session))
    kept = await world.journal.items_by_subject(world.tenant, subject)
    found = [cut for one in kept if (cut := cut_of(one)) is not None]
    if not found:
        return 0
    before = await erased_by(world.journal, world.tenant, world.billing_origin)
    await world.chains.ready(world.billing_origin, ERASURES)
    for at in range(0, len(found), RECORDS_A_RECORD):
        step = Step(world, "", world.now_ms())
        part = found[at : at + RECORDS_A_RECORD]
        cuts = [_with_earlier(cut, before.get(cut.record)) for _, cut in part]
        draft = PlainDraft(Kind.ERASURE, step.now_ms, ((int(Group.OPS), dcbor.encode(to_fields(cuts))),))
        step.write((world.billing_origin, ERASURES), world.billing_key, draft, subject)
        step.erased += [erased for erased, _ in part]
        await step.commit()
    return len(found)


def cut_of(kept: KeptItem) -> tuple[Erased, Cut] | None:
    """Return what is to go of one record, and what is stated in its place; None where no meter signed anything."""
    item = parse_item(kept.item.item)
    box = item.boxes.get(_METER)
    if not isinstance(box, list) or box[0] != PLAIN:
        return None
    meter = Meter.read(Content.decode(box[2]).fields)
    if not meter.evidence:
        return None
    boxes = {gid: other for gid, other in item.boxes.items() if gid != _METER}
    left = Item(item.payload, item.payload_bytes, item.signature, boxes)
    stated = Meter(meter.register_wh, meter.obis, meter.unaccounted_wh, meter.prev_end)
    return Erased(kept.position, kept.item.payload_hash, left.encode()), Cut(item.hash, {_METER: stated.to_fields()})


def _with_earlier(cut: Cut, earlier: Cut | None) -> Cut:
    """Return a cut that also says what one before it said of the same record: the latest counts."""
    return cut if earlier is None else Cut(cut.record, {**earlier.groups, **cut.groups})
