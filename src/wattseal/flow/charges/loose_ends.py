"""Notes of this CSMS on an open transaction, as records of their own; and what a station's answer about one means."""

from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.step import Step
from wattseal.flow.turn import raise_alarms
from wattseal.flow.world import World
from wattseal.model.remote import TransactionStatusRequested, TransactionStatusResponded
from wattseal.model.verdict import Finding
from wattseal.rules.recorded import Observed, read_item
from wattseal.rules.transactions import apply
from wattseal.seal import dcbor
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft


async def note_open(
    world: World, memory: Memory, live: Live, code: str, *, detail: str = "", cause: Item | None = None
) -> bool:
    """Note something on an open transaction, once; return whether that was new.

    `cause` is the record of somebody else that it follows from: kept with it, and referred to.
    """
    await world.chains.ready(memory.origin, live.transaction.evse_id)
    transaction = live.transaction
    if not transaction.active or any(note.code == code for note in (*transaction.alarms, *transaction.findings)):
        return False
    step = Step(world, memory.station.id, world.now_ms())
    observed = Observed((Finding(code, "transaction_id", detail),))
    groups = ((int(Group.RAW), dcbor.encode(observed.to_fields(b""))),)
    refs = () if cause is None else (cause.hash,)
    draft = PlainDraft(Kind.READING, step.now_ms, groups, refs)
    if cause is not None:
        step.keep(cause)
    written = step.write((memory.origin, transaction.evse_id), world.csms_key, draft, live.subject)
    live.transaction = apply(transaction, read_item(parse_item(written.item)))
    step.project(live.transaction)
    raise_alarms(step, observed, written.hash, live.transaction)
    await step.commit()
    return True


async def _status(answered: Answered, command: TransactionStatusRequested, answer: TransactionStatusResponded) -> None:
    """Note a transaction whose station neither runs it nor has anything left to tell of it."""
    if command.transaction_id is None or answer.ongoing is not False or answer.messages_in_queue:
        return
    live = answered.memory.live.get(command.transaction_id)
    if live is not None:
        await note_open(answered.world, answered.memory, live, "ended_unseen")


EFFECTS: Effects = {TransactionStatusRequested: _status}
