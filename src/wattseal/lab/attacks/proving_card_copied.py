"""T44: a card that proves itself is copied: its number, its public key, and all that its reader said at a charge."""

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.card_sites import CardSites, EdgedStation, card_sites
from wattseal.lab.lab import Lab
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.lab.null import swapped
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp import authorise
from wattseal.seal.item import Kind

ACCEPTED = TokenStatus.ACCEPTED.value
HOUR_MS = 3_600_000


async def _perform(lab: Lab) -> Found:
    return await _copy(lab)


async def _control(lab: Lab) -> Found:
    with swapped(authorise, "check_proof", lambda *_: None):
        return await _copy(lab)


async def _copy(lab: Lab) -> Found:
    async with card_sites(lab.fresh("cards")) as sites:
        owner = SoftwareCard(lab.dice.word(14))
        await sites.customer(owner)
        here, there = sites.stations.values()
        challenge = await here.challenge(owner.token.value, owner.spki)
        signature = owner.answer(challenge)
        if await here.prove(challenge, signature) != ACCEPTED or await here.start(owner.token.value) != ACCEPTED:
            raise LabError("the card itself is not let in", subject="control")
        sites.clock.follow(sites.clock.ms + HOUR_MS)
        told: dict[str, str] = {}
        for number, station in enumerate((here, there)):
            for evse_id in (1, 2):
                thief = _Thief(owner.token.value, owner.spki, (challenge, signature), station, evse_id)
                told |= {f"{way} ({number}, {evse_id})": said for way, said in (await thief.all()).items()}
        await _requests_again(sites)
        told |= await _offline(sites, _Thief(owner.token.value, owner.spki, (challenge, signature), there, 1))
        paid = [charge for charge in await sites.charges() if charge.token_status is TokenStatus.ACCEPTED]
        again = await there.hold(owner)
    gained = [way for way, said in told.items() if said == ACCEPTED]
    if gained or len(paid) != 1:
        return Found(Outcome.MISSED, f"{len(paid) - 1} charges on the copy: {gained[0] if gained else 'unseen'}")
    if again != ACCEPTED:
        raise LabError(f"the card itself is not let in afterwards: {again}", subject="control")
    refusals = ", ".join(sorted(set(told.values())))
    text = f"every try is refused ({refusals}); one charge is in the eMSP's books, SECURE, and the card goes on"
    return Found(Outcome.PREVENTED, text, figures=(Figure("tries with a copied card", len(told), "tries"),))


class _Thief:
    """Has the number, the public key and an earlier proof; stands at an EVSE with a reader that he can talk through."""

    def __init__(
        self, number: str, spki: bytes, proof: tuple[bytes, bytes], station: EdgedStation, evse_id: int
    ) -> None:
        self._number, self._spki = number, spki
        self._challenge, self._signature = proof
        self._station, self._evse_id = station, evse_id
        self._own = SoftwareCard(number)

    async def all(self) -> dict[str, str]:
        """Try every way; returns what was told."""
        return {
            "the number alone": await self._station.start(self._number, self._evse_id),
            "the earlier proof again": await self._station.prove(self._challenge, self._signature),
            "the earlier signature on a new challenge": await self._answer(self._spki, self._signature),
            "a key of his own under the card's": await self._sign(self._spki),
            "a key of his own that comes along": await self._sign(self._own.spki),
            "the number after that": await self._station.start(self._number, self._evse_id),
        }

    async def _answer(self, spki: bytes, signature: bytes) -> str:
        challenge = await self._station.challenge(self._number, spki, self._evse_id)
        return await self._station.prove(challenge, signature)

    async def _sign(self, spki: bytes) -> str:
        challenge = await self._station.challenge(self._number, spki, self._evse_id)
        return await self._station.prove(challenge, self._own.answer(challenge))


async def _requests_again(sites: CardSites) -> None:
    """Send every request that ever went up once more, as whoever forwards them could."""
    for item in [item for item in sites.between.seen if item.payload.kind == Kind.REQUEST]:
        await sites.emsp.receive_items(sites.emsp.desk.contracts["CPO"], [item.encode()])


async def _offline(sites: CardSites, thief: _Thief) -> dict[str, str]:
    """Try the same at an edge that can ask nobody and has the eMSP's directory."""
    await sites.directories()
    with sites.cut_off():
        return {f"{way} (offline)": said for way, said in (await thief.all()).items()}


ATTACK = Attack(
    line="T44",
    title="a card that proves itself is copied with all its reader ever said",
    steps=(
        "read the number and the public key of a card, and everything that went by while its owner charged",
        "at its station and at another, at two EVSEs each: show the number, and send the earlier proof again",
        "answer new challenges with the earlier signature, with a key of one's own, and bring that key along",
        "send the earlier requests again on the way up; do it all at an edge that is cut off, with a directory",
    ),
    defence="a token whose card has an enrolled key is accepted only with that key's answer to a challenge for this "
    "place on the station's chain, this transaction and this EVSE",
    without="the eMSP asks for no proof",
    residual="a card that is relayed while it is held to a strange reader answers for that reader's challenge; whoever "
    "runs the reader's side can let a card that is there answer for a later charge of its own making",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
