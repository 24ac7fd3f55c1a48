"""Leave that a code was given and no charge has used yet: found again in the journal when memory has it no more."""

from dataclasses import dataclass

from wattseal.base.ids import Subject
from wattseal.flow.documents import TRANSACTION, put, read
from wattseal.flow.drivers.authorization import authorization_of
from wattseal.flow.memory import Grant, Memory
from wattseal.flow.money.held import holds_of
from wattseal.flow.ports import Put
from wattseal.flow.world import World
from wattseal.model.token import APPS, TokenRecord, TokenStatus
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item

CODE_START = "code_start"
"""Document kind, by the canonical form of a token: the charge that the latest code for it is to begin."""


@dataclass(frozen=True, slots=True)
class CodeStart:
    """Document: the subject of the records (hex)."""

    subject: str


def put_start(key: str, subject: bytes, now_ms: int) -> Put:
    """Return the document, to be committed with the decision."""
    return put(CODE_START, key, CodeStart(subject.hex()), now_ms)


async def kept_grant(world: World, memory: Memory, token: TokenRecord | None, now_ms: int) -> Grant | None:
    """Return what a code was given at this station and nothing has used; None where there is no such thing."""
    if token is None or token.id_token.type != APPS:
        return None
    document = await world.journal.document(world.tenant, CODE_START, token.id_token.key())
    if document is None:
        return None
    subject = read(document, CodeStart).subject
    if any(live.subject.hex() == subject for live in (*memory.live.values(), *memory.ended.values())):
        return None
    if await world.journal.document(world.tenant, TRANSACTION, subject) is not None:
        return None
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(subject)))
    items = [parse_item(one.item.item) for one in kept]
    request = next((one for one in items if one.payload.kind == Kind.REQUEST), None)
    decision = next((one for one in items if one.payload.kind == Kind.DECISION), None)
    if request is None or decision is None or request.payload.origin != memory.origin:
        return None
    records = read_item(request), read_item(decision)
    said = records[1].decision
    if said is None or said.status is not TokenStatus.ACCEPTED or said.expires_ms <= now_ms:
        return None
    held = await holds_of(world, subject)
    return Grant(
        records,
        bytes.fromhex(subject),
        authorization_of(said, decision),
        said.expires_ms,
        held if held is not None and held.open else None,
    )
