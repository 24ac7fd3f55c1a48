"""A session whose stop is lost for good is closed by a person, at the last register told; it is quarantined then.

The end that is recorded is ours and says so. What it comes to is quarantined until somebody decides it; a stop that the
station still tells takes its place, unless it has been decided by then.
"""

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, StationId
from wattseal.flow.charges.direct_records import put_record
from wattseal.flow.charges.watching import Told, at_end, remember_end
from wattseal.flow.live import Live
from wattseal.flow.step import Plain
from wattseal.flow.turn import Turn, keep_ended, recall, remember_station, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.rules.recorded import MAX_DETAIL, Observed
from wattseal.rules.transactions import CLOSED
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Kind

QUIET_MS = 900_000
"""A station that has told of a session within this time still has it."""


class NotClosableError(InputError):
    """A session that is not to be closed; the code says why."""


async def close_session(world: World, transaction_id: str, person: str, text: str) -> Transaction:
    """Close an open session, durable on return.

    Codes of the `NotClosableError`: `ended_already`, `still_told_of` (its station has told of it within 15 minutes),
    `sealed` (its registers are not this CPO's to read: the edge or the eMSP ends it).
    """
    transaction = await transaction_by_id(world, transaction_id)
    if transaction is None:
        raise InputError("there is no such transaction", code="no_session", subject="id")
    memory = await remember_station(world, StationId(transaction.station_id))
    if memory is None:
        raise InputError("its station is not enrolled any more", code="no_station", subject="id")
    live = await recall(world, memory, transaction.id)
    if live is None:
        raise InputError("there is no such transaction", code="no_session", subject="id")
    await world.chains.ready(memory.origin, live.transaction.evse_id)
    _closable(live, world.now_ms())
    turn = Turn(world, memory, b"", b"", world.now_ms(), ocpp16=False)
    step = turn.step()
    detail = f"by {person}: {text}"[:MAX_DETAIL]
    put_record(turn, step, live, _end_record(turn, live, detail), EvseId(live.transaction.evse_id))
    remember_end(turn, step, live, live.transaction.place, live.transaction.alarms)
    key = live.transaction.transaction_id
    if key is not None:
        memory.live.pop(key, None)
        keep_ended(memory, key, live)
    await step.commit()
    world.count("session_closed")
    return live.transaction


def _closable(live: Live, now_ms: int) -> None:
    transaction = live.transaction
    if not transaction.active:
        raise NotClosableError("this session has ended", code="ended_already", subject="id")
    if transaction.sealed:
        text = "its registers are sealed; have the edge or the eMSP end it"
        raise NotClosableError(text, code="sealed", subject="id")
    if now_ms - max(live.told_ms, transaction.recorded_ms) < QUIET_MS:
        text = "its station has told of it within the last 15 minutes; stop it there (RequestStopTransaction)"
        raise NotClosableError(text, code="still_told_of", subject="id")


def _end_record(turn: Turn, live: Live, detail: str) -> Plain:
    """Return our end: at the latest time and the highest register told, with all that is to be said of it."""
    transaction = live.transaction
    ended_ms = live.at_ms or transaction.started_ms or transaction.recorded_ms
    notes = [Finding(CLOSED, "transaction_id", detail)]
    notes += at_end(turn, live, Told(ended_ms, live.highest_wh), transaction.source)
    if live.highest_wh is None or transaction.start_wh is None:
        notes.append(Finding("no_register", "register_wh"))
    if transaction.started is None:
        notes.append(Finding("end_without_start", "transaction_id"))
    return Plain(
        kind=Kind.ENDED,
        ops=Ops(transaction_id=transaction.transaction_id, reason="Other", station_ms=ended_ms),
        meter=None if live.highest_wh is None else Meter(live.highest_wh),
        observed=Observed(tuple(notes)),
        frame=b"",
        mark=0,
    )
