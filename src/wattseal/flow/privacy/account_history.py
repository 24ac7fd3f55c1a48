"""What was done to an account, out of its signed records: what, when and why. Who did it is not the driver's."""

from collections.abc import AsyncIterator

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin
from wattseal.flow.money.records import MoneyStream
from wattseal.flow.privacy.plain import Row
from wattseal.flow.world import World
from wattseal.seal.account import AccountSaid
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item

_PAGE = 500


async def history(world: World, account_id: str) -> AsyncIterator[Row]:
    """Yield an account's records, the first one first."""
    origin, stream = Origin(world.billing_origin), int(MoneyStream.ACCOUNTS)
    start = (0, 0)
    while page := await world.journal.items(world.tenant, origin, stream, start, _PAGE):
        for kept in page:
            item = parse_item(kept.item.item)
            said = _said(item)
            if said is not None and said.account == account_id:
                yield {
                    "at_ms": item.payload.ms,
                    "what": said.event.name.lower(),
                    "why": said.text,
                    "limit": None if said.limit is None else format(said.limit, "f"),
                    "status": said.status.value,
                    "record": item.hash.hex(),
                }
        start = (page[-1].item.epoch, page[-1].item.seq + 1)


def _said(item: Item) -> AccountSaid | None:
    """Return what a record says of an account; None for one that is of none, or cannot be read."""
    if item.payload.kind != Kind.ACCOUNT or Group.OPS not in item.boxes:
        return None
    opened = open_box(item, int(Group.OPS), None)
    try:
        return AccountSaid.read(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None
    except InputError:
        return None
