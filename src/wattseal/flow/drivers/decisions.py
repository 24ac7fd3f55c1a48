"""Decisions that a billing party has signed: which of them are on a request, and whether their signer may decide."""

from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey
from wattseal.flow.world import World
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.registry import Refusal, Role


def decision_on(world: World, answered: tuple[bytes, ...], request: Item, party: str) -> tuple[Item, Decision] | None:
    """Return the decision on `request` among the items answered, if `party` is enrolled for it and signed it."""
    for data in answered:
        try:
            item = parse_item(data)
            if item.payload.kind != Kind.DECISION or request.hash not in item.payload.refs:
                continue
            decision = Decision.read(item.payload.public)
        except InputError:
            continue
        if item.payload.subject == request.payload.subject and signed_by(world, item, party):
            return item, decision
    return None


def signed_by(world: World, item: Item, party: str) -> bool:
    """Return whether the billing party `party` is enrolled for this record and its signature verifies.

    From the moment its key is revoked nothing by it is believed here, whatever time it states.
    """
    if item.signature is None:
        return False
    payload = item.payload
    entry = world.registry.signer(item.signature.kid, payload.origin, payload.kind, payload.ms)
    if isinstance(entry, Refusal) or entry.party != party or entry.role not in {Role.EMSP, Role.BILLING}:
        return False
    if entry.revoked_ms is not None and world.now_ms() >= entry.revoked_ms:
        return False
    return item.verify(PublicKey.from_spki(entry.spki), world.log_origin)
