"""T72: an operator bundles a charge of its own with a driver's, so that one is judged and the other billed."""

from wattseal.bundle import readings
from wattseal.bundle.format import Bundle
from wattseal.crypto.hashes import sha256
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.paper import AT_MS, Session
from wattseal.lab.grounds.provider import Provider, provider, said
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.parties.emsp import settle
from wattseal.rules.settlement import Claim
from wattseal.seal.fields import SettlementVerdict
from wattseal.seal.item import Kind

ROUNDS = 3
HOUR_MS = 3_600_000
OWN_WH, DRIVERS_WH = 80_000, 1_000


async def _perform(lab: Lab) -> Found:
    return await _bundle_two(lab)


async def _control(lab: Lab) -> Found:
    """Let a stretch go beyond its transaction, and take the last start and end in it for whose charge it is."""
    with swapped(readings, "_goes_beyond", lambda *_: None), swapped(settle, "claim_of", _by_the_last):
        return await _bundle_two(lab)


def _by_the_last(bundle: Bundle) -> Claim:
    last = {Kind(i.payload.kind): i for i in bundle.items}
    ended = last[Kind.ENDED]
    facts = sha256(b"".join(i.hash for i in bundle.items))
    return Claim(ended.payload.subject or b"", ended.payload.origin, last[Kind.STARTED], ended, facts)


async def _bundle_two(lab: Lab) -> Found:
    told: list[str] = []
    async with provider(lab.fresh("emsp")) as emsp:
        for number in range(ROUNDS):
            for name, bundle in (await _bundles(emsp, AT_MS + 4 * number * HOUR_MS, number)).items():
                settlement = await emsp.settled(bundle)
                told.append(f"{name}: {said(settlement)}")
                much = settlement.energy_wh is not None and settlement.energy_wh > DRIVERS_WH
                if settlement.verdict is SettlementVerdict.ACCEPTED and much:
                    return Found(Outcome.MISSED, f"{told[-1]}; the driver drew {DRIVERS_WH} Wh")
        paid = await emsp.paid()
    if paid:
        return Found(Outcome.MISSED, f"the driver paid {paid}")
    figure = Figure("bundles of two charges", len(told), "bundles")
    return Found(Outcome.DETECTED, "; ".join(dict.fromkeys(told)), records=1, figures=(figure,))


async def _bundles(emsp: Provider, at_ms: int, number: int) -> dict[str, Bundle]:
    """Write the operator's charge and the driver's after it, truly metered, and bundle them in one stretch."""
    paper, register_wh = emsp.paper, 1000 + number * (OWN_WH + DRIVERS_WH)
    own = paper.session(register_wh, register_wh + OWN_WH, authorised=None, begin_ms=at_ms)
    granted = await emsp.authorised(begin_ms=at_ms + HOUR_MS)
    begin_wh = register_wh + OWN_WH
    drivers = paper.session(begin_wh, begin_wh + DRIVERS_WH, authorised=granted, begin_ms=at_ms + HOUR_MS)
    emsp.clock.follow(at_ms + 2 * HOUR_MS)
    others = [granted.request, granted.decision, granted.tariff]
    both = Session(own.items + drivers.items, own.registers_wh, at_ms, own.subject)
    return {"own charge first": paper.bundle(both, others)}


ATTACK = Attack(
    line="T72",
    title="an operator bundles a charge of its own with a driver's, so that one is judged and the other billed",
    steps=(
        "charge a lorry of one's own, truly metered and signed",
        "let an authorised driver charge a little at the same EVSE",
        "bundle both as one stretch of the chain, with tree and cosignatures, and ask the eMSP to pay",
    ),
    defence="a stretch is one transaction's, from its start to its end, and the eMSP bills the one that was judged",
    without="a stretch may go on, and whose charge it is follows its last start and end",
    residual="none known: others' records may lie in between, and count for nothing",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
