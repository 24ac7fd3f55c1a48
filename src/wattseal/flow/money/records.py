"""Records about money: written by the billing key, each kind on a chain of its own, content in the ops group."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.seal import dcbor
from wattseal.seal.item import Group, Kind
from wattseal.seal.plain import PlainDraft, Written


class MoneyStream(IntEnum):
    """Streams of the billing chain; 0 has decisions and tariffs."""

    LEDGER = 1
    ACCOUNTS = 2
    RULINGS = 3
    INVOICES = 4
    DISPUTES = 5
    PAYMENTS = 6


_STREAMS = {
    Kind.POSTING: MoneyStream.LEDGER,
    Kind.ACCOUNT: MoneyStream.ACCOUNTS,
    Kind.RULING: MoneyStream.RULINGS,
    Kind.INVOICE: MoneyStream.INVOICES,
    Kind.DISPUTE: MoneyStream.DISPUTES,
    Kind.PAYMENT: MoneyStream.PAYMENTS,
}
_OPS = int(Group.OPS)


async def money_ready(world: World) -> None:
    """Load the ends of all these chains; to be awaited before the first record of a step is written."""
    for stream in MoneyStream:
        await world.chains.ready(world.billing_origin, int(stream))


async def write_money(
    step: Step, kind: Kind, fields: Mapping[int, Any], *, refs: tuple[bytes, ...] = (), subject: bytes | None = None
) -> Written:
    """Append a record to its chain; the caller commits the step and awaits nothing else before it does.

    `fields` are the ops group's. The chains are made ready where nothing is written yet; where something is,
    `money_ready` has been awaited before.
    """
    if not step.written:
        await money_ready(step.world)
    return append_money(step, kind, fields, refs=refs, subject=subject)


def append_money(
    step: Step, kind: Kind, fields: Mapping[int, Any], *, refs: tuple[bytes, ...] = (), subject: bytes | None = None
) -> Written:
    """Append a record to its chain at once; `money_ready` has been awaited before."""
    world = step.world
    place = (world.billing_origin, int(_STREAMS[kind]))
    draft = PlainDraft(kind, step.now_ms, ((_OPS, dcbor.encode(dict(fields))),), refs)
    return step.write(place, world.billing_key, draft, subject)
