"""T44: the copy of a card that proves itself is held to readers of stations that dial the CSMS themselves."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Any

from wattseal.app.cpo.tenant import TENANT
from wattseal.base.ids import Subject
from wattseal.flow.drivers import authorise
from wattseal.flow.fleet.enrol import put_card_key
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.lab.null import swapped
from wattseal.seal.fields import Decision
from wattseal.seal.item import Kind, parse_item

ACCEPTED = "Accepted"
DRAWN_WH, AWAY_MIN = 20_000, 60


async def _perform(lab: Lab) -> Found:
    return await _copy(lab)


async def _control(lab: Lab) -> Found:
    with swapped(authorise, "own_card_key", lambda _token: None):
        return await _copy(lab)


@dataclass(slots=True)
class _Reader:
    """A station and its reader, and what the thief was told there."""

    line: Line
    minutes: float
    register_wh: int = 0
    told: dict[str, str] = field(default_factory=dict)

    async def _transfer(self, message: str, data: dict[str, Any]) -> dict[str, Any]:
        payload = {"vendorId": "wattseal", "messageId": message, "data": json.dumps(data)}
        answer: dict[str, Any] = json.loads((await self.line.call("DataTransfer", payload, self.minutes))["data"])
        return answer

    async def challenge(self, number: str, spki: bytes) -> bytes:
        """Ask for a challenge."""
        shown = {"idToken": number, "evseId": 1, "publicKey": b64encode(spki).decode()}
        return b64decode((await self._transfer("card_challenge", shown))["challenge"])

    async def prove(self, challenge: bytes, signature: bytes) -> str:
        """Send an answer; returns what is told."""
        spelled = {"challenge": b64encode(challenge).decode(), "signature": b64encode(signature).decode()}
        told = await self._transfer("card_proof", spelled)
        return str(told.get("status") or told["code"])

    async def charge(self, number: str, told_late: float = 0) -> None:
        """Charge with a number as far as the station lets one."""
        begun = self.minutes
        self.line.clockwork.move_to(begun + told_late)
        transaction = await self.line.start16(number, self.register_wh, begun)
        self.register_wh += DRAWN_WH
        await self.line.stop16(transaction, self.register_wh, begun + told_late + 10)
        self.minutes = begun + told_late + 20


async def _copy(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        owner = SoftwareCard(lab.dice.word(14))
        number = owner.token.value
        await cpo.token(number)
        await put_card_key(cpo.world, number, owner.spki)
        here, there = _Reader(await cpo.enrol("ST1"), 0), _Reader(await cpo.enrol("ST2"), 0)
        challenge = await here.challenge(number, owner.spki)
        earlier = challenge, owner.answer(challenge)
        if await here.prove(*earlier) != ACCEPTED:
            raise LabError("the card itself is not let in", subject="card")
        await here.charge(number)
        there.minutes = here.minutes
        for reader in (here, there):
            await _try(reader, number, owner.spki, earlier)
            await cpo.restart()
            there.minutes = max(there.minutes, here.minutes)
        await there.charge(number, told_late=AWAY_MIN)
        await cpo.settle()
        return await _found(cpo, here.told | there.told)


async def _try(reader: _Reader, number: str, spki: bytes, earlier: tuple[bytes, bytes]) -> None:
    """Have the thief try everything he has at one station, and charge after each try."""
    own = SoftwareCard(number)
    at = reader.line.station
    await reader.charge(number)
    reader.told[f"the earlier proof again at {at}"] = await reader.prove(*earlier)
    await reader.charge(number)
    challenge = await reader.challenge(number, spki)
    reader.told[f"the earlier signature on a new challenge at {at}"] = await reader.prove(challenge, earlier[1])
    await reader.charge(number)
    for key, name in ((spki, "under the card's"), (own.spki, "that comes along")):
        challenge = await reader.challenge(number, key)
        reader.told[f"a key of his own {name} at {at}"] = await reader.prove(challenge, own.answer(challenge))
        await reader.charge(number)


async def _found(cpo: Clockwork, told: dict[str, str]) -> Found:
    sessions = await cpo.transactions()
    billed = await cpo.bills()
    secure = [one for one in sessions if one.identity_level == "SECURE"]
    gained = [way for way, said in told.items() if said == ACCEPTED]
    if len(billed) != 1 or gained:
        text = f"{len(billed) - 1} of {len(sessions) - 1} charges on the copy are billed to the owner"
        return Found(Outcome.MISSED, text + (f"; accepted: {gained[0]}" if gained else ""))
    if len(secure) != 1 or billed[0].id != secure[0].id:
        raise LabError("the owner's own charge is not the one that is billed", subject="card")
    refusals = ", ".join(sorted(set(told.values())))
    reasons = {await _reason(cpo, one.id) for one in sessions if one.id != secure[0].id}
    text = (
        f"of {len(sessions)} charges the owner's alone is billed, and SECURE; the others are refused in signed "
        f"decisions ({', '.join(sorted(reasons))}), the proofs with {refusals}"
    )
    tried = Figure("charges tried with a copied card", len(sessions) - 1, "charges")
    return Found(Outcome.PREVENTED, text, records=1, figures=(tried,))


async def _reason(cpo: Clockwork, session: str) -> str:
    """Return why a session was refused, by the decision in the journal."""
    kept = await cpo.world.journal.items_by_subject(TENANT, Subject(bytes.fromhex(session)))
    items = [parse_item(one.item.item) for one in kept]
    said = [Decision.read(item.payload.public) for item in items if item.payload.kind == Kind.DECISION]
    return " ".join(str(one.reason) for one in said)


ATTACK = Attack(
    line="T44",
    title="a card that proves itself is copied and held to readers that dial the CSMS",
    steps=(
        "read a card's number, its public key, and what its reader and the CSMS said while its owner charged",
        "at its station and another, over a restart: charge with the number alone, and after sending the proof again",
        "answer new challenges with the earlier signature and with a key of one's own, and charge",
        "charge once more while the station is away from its CSMS, and let it tell that an hour later",
    ),
    defence="a token whose card has an enrolled key is accepted only with that key's answer to a challenge made for "
    "it, which the first answer uses up",
    without="the CSMS knows of no enrolled keys",
    residual="a station that lets a refused card charge gives energy that nobody is billed for; a card can be relayed "
    "while it is held to a strange reader; other tokens of the same account are as weak as they are",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
