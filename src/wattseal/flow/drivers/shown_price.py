"""The price in the answer to a driver's token (2.x, personalMessage of idTokenInfo), where the operator has it shown.

It is the text of the very tariff record that the decision refers to. 1.6 has no place for it.
"""

from dataclasses import replace

from wattseal.flow.money.tariffs import tariff_book
from wattseal.flow.world import World
from wattseal.model.token import Authorization
from wattseal.rules.tariff_text import LONGEST, tariff_text


async def prices_ready(world: World) -> None:
    """Have tariffs in memory before anything is written, where prices are shown."""
    if world.settings.charging.show_price:
        await tariff_book(world)


def with_price(world: World, told: Authorization, refs: tuple[bytes, ...]) -> Authorization:
    """Return an accepted authorisation with the price of the tariff among `refs`, ahead of what else is to be said.

    What does not fit into a message is left out: the operator's own words first, a price that has no line altogether.
    """
    if not world.settings.charging.show_price or world.tariff_book is None:
        return told
    known = world.tariff_book.tariffs
    tariff = next((known[ref.hex()] for ref in refs if ref.hex() in known), None)
    price = None if tariff is None else tariff_text(tariff, told.language)
    if price is None:
        return told
    both = price if told.message is None else f"{price} - {told.message}"
    return replace(told, message=both if len(both) <= LONGEST else price)
