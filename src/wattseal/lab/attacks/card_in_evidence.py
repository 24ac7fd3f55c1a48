"""T46: somebody who is given the proof of a charge looks in it for the number of the card that paid."""

import json
from collections.abc import Iterator

from wattseal.app.settings_money import Billing
from wattseal.base.ids import Subject
from wattseal.bundle.format import Bundle
from wattseal.flow.charges import bundling
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.means.leaks import spellings_of_text
from wattseal.lab.means.signing_site import signing_site
from wattseal.lab.null import swapped
from wattseal.model.transaction import Transaction
from wattseal.seal.item import Group

CARDS = 8
ENERGY_WH = (2_000, 30_000)
EVERYTHING = frozenset(Group)


async def _perform(lab: Lab) -> Found:
    return await _look(lab)


async def _control(lab: Lab) -> Found:
    """Hand on whatever the operator can read."""
    with swapped(bundling, "shown_in_bundle", lambda **_: EVERYTHING):
        return await _look(lab)


async def _look(lab: Lab) -> Found:
    found: list[str] = []
    looked = 0
    async with lab.clockwork(billing=Billing(wait_s=0)) as cpo:
        site = await signing_site(cpo, "ST1", card=False)
        for _ in range(CARDS):
            card = lab.dice.word(14)
            await cpo.token(card)
            site.card = card
            told = await site.charge(lab.dice.number(*ENERGY_WH))
            if not await _known_to_the_operator(cpo, told.transaction, card):
                raise LabError("the operator itself knows the card", subject=told.transaction.id)
            bundle = await _bundle(cpo, told.transaction)
            for name, data in _handed_on(told.transaction, bundle):
                looked += 1
                found += [name for spelling in spellings_of_text(card) if spelling in data]
    if found:
        return Found(Outcome.MISSED, f"the card's number stands in: {', '.join(dict.fromkeys(found))}")
    text = f"{CARDS} cards, in no spelling, in none of {looked} things handed on: bundle, opened content, pseudonym"
    return Found(Outcome.PREVENTED, text, figures=(Figure("things looked through", looked, "things"),))


async def _bundle(cpo: Clockwork, transaction: Transaction) -> Bundle:
    made = await bundling.assemble(cpo.world, cpo.parts.proofs, transaction, billing_party=False)
    if isinstance(made, bundling.NotYet):
        raise LabError(f"no bundle yet: {made.reason}", subject=transaction.id)
    return made


def _handed_on(transaction: Transaction, bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    yield "bundle", bundle.encode()
    yield "opened content", b"\n".join(opening.content for opening in bundle.openings)
    yield "pseudonym", json.dumps(transaction.id).encode()


async def _known_to_the_operator(cpo: Clockwork, transaction: Transaction, card: str) -> bool:
    """Return whether the records themselves hold the card: otherwise there would be nothing to hide."""
    subject = Subject(bytes.fromhex(transaction.id))
    kept = await cpo.world.journal.items_by_subject(cpo.world.tenant, subject)
    return any(card.encode() in each.item.item for each in kept)


ATTACK = Attack(
    line="T46",
    title="the proof of a charge is searched for the card's number",
    steps=(
        f"charge with {CARDS} cards, whose numbers the operator is told and keeps in its records",
        "take what is handed on to whoever is not the billing party: the bundle with its openings",
        "search it for each number, as text in any case, UTF-16, hex and base64",
    ),
    defence="identity and raw frames are groups of their own, committed to in the record and opened for nobody else",
    without="bundles open every group the operator can read",
    residual="a meter that signs the card's number into its record shows it to every reader of the register: a finding "
    "(identity_in_clear) says so",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
