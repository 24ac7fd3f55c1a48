"""Records about money: written by the billing key, each kind on a chain of its own, content in the ops group."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from wattseal.flow.step import Step
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


async def write_money(
    step: Step, kind: Kind, fields: Mapping[int, Any], *, refs: tuple[bytes, ...] = (), subject: bytes | None = None
) -> Written:
    """Append a record to its chain; the caller commits the step and awaits nothing but that before it does.

    `fields` are the ops group's. A chain that is not ready is made so first, so that several may be written in a row.
    """
    world = step.world
    place = (world.billing_origin, int(_STREAMS[kind]))
    await world.chains.ready(*place)
    draft = PlainDraft(kind, step.now_ms, ((_OPS, dcbor.encode(dict(fields))),), refs)
    return step.write(place, world.billing_key, draft, subject)
