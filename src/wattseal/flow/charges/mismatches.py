"""Commands that an edge refused: its signed word becomes an alarm that says which, why, and in what it differs."""

from wattseal.base.ids import StationId
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.documents import read
from wattseal.flow.turn import Turn
from wattseal.model.verdict import Finding, Verdict
from wattseal.rules.arrival import Arrival
from wattseal.rules.command_mismatch import ALTERED, MISMATCH, differences
from wattseal.rules.recorded import Recorded, read_item
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role
from wattseal.wire.ocpp import guard

LOOKED_AT = 50
"""Commands of a station that are looked through for the one that an edge names, the newest ones."""


async def refused_commands(turn: Turn, item: Item, judged: Arrival) -> tuple[Finding, ...]:
    """Return what an edge's record says of commands that it refused."""
    told = item.payload.kind == Kind.HEARTBEAT and int(Group.RAW) in item.payload.groups
    if not told or judged.verdict is not Verdict.VALID or judged.signer is None or judged.signer.role is not Role.EDGE:
        return ()
    record = read_item(item)
    notes = [note for note in record.observed.notes if note.code == MISMATCH]
    if not notes:
        return ()
    sent = await _sent(turn, record.refs[0]) if record.refs else None
    if sent is None:
        return tuple(notes)
    return tuple(
        Finding(n.code, n.field, f"{n.detail}; sent by {sent.asked_by}{_differs(n, sent, record)}") for n in notes
    )


async def _sent(turn: Turn, record: bytes) -> CommandKept | None:
    """Return the command that this CSMS has sent under a record's payload hash."""
    world, station_id = turn.world, StationId(turn.station.id)
    found = await world.journal.documents(world.tenant, COMMAND, station_id=station_id, newest=True, limit=LOOKED_AT)
    kept = (read(document, CommandKept) for document in found)
    return next((one for one in kept if one.record == record.hex()), None)


def _differs(note: Finding, sent: CommandKept, came: Recorded) -> str:
    if note.detail != ALTERED:
        return ""
    try:
        pair = guard.parse(bytes(sent.payload)), guard.parse(came.frame or b"")
    except guard.NotJsonError:
        return ""
    if not all(isinstance(each, dict) for each in pair):
        return ""
    found = differences(*pair)
    return f": {found}" if found else ": in nothing but the driver's token, which is not kept"
