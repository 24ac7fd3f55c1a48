"""The eMSPs a CPO works with, over HTTP: records, bundles and CDRs out; decisions and settlements back."""

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout

from wattseal.base.errors import InputError
from wattseal.flow.courier import Delivery
from wattseal.flow.ports import Random
from wattseal.seal import dcbor

MAX_ANSWER_BYTES = 1024 * 1024
CBOR = "application/cbor"


@dataclass(frozen=True, slots=True)
class Partner:
    """An eMSP: its base URL and the token that both sides keep."""

    party: str
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome with the body answered; `status` is 0 where there was no answer."""

    outcome: Delivery
    status: int = 0
    body: bytes = b""


class EmspPartners:
    """Port `Partners` and the CPO's courier, over one HTTP client."""

    def __init__(self, session: ClientSession, partners: Sequence[Partner], random: Random) -> None:
        self._session = session
        self._partners: Mapping[str, Partner] = {partner.party: partner for partner in partners}
        self._random = random

    def known(self, party: str) -> bool:
        """Return whether there is a connection to `party`."""
        return party in self._partners

    def parties(self) -> tuple[str, ...]:
        """Return all partners."""
        return tuple(self._partners)

    async def ask(self, party: str, items: Sequence[bytes], timeout_s: float) -> tuple[bytes, ...] | None:
        """Send items and return those answered; None when the party cannot be reached in time or refuses."""
        answer = await self.send(party, "/wattseal/v1/items", dcbor.encode(list(items)), timeout_s=timeout_s)
        if answer.outcome is not Delivery.DONE:
            return None
        try:
            found = dcbor.decode(answer.body, MAX_ANSWER_BYTES)
        except InputError:
            return None
        return tuple(item for item in found if isinstance(item, bytes)) if isinstance(found, list) else None

    async def post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        """Port `Post` of the courier."""
        answer = await self.send(party, path, body, content_type=content_type)
        return answer.outcome, answer.body

    async def send(
        self, party: str, path: str, body: bytes, *, content_type: str = CBOR, timeout_s: float = 30
    ) -> Answer:
        """POST a body to a partner; an unknown partner is to be tried later, when it is configured."""
        partner = self._partners.get(party)
        if partner is None:
            return Answer(Delivery.LATER)
        headers = {
            "Authorization": "Token " + base64.b64encode(partner.token.encode()).decode(),
            "Content-Type": content_type,
            "X-Request-ID": self._random.bytes(16).hex(),
        }
        url = partner.url.rstrip("/") + path
        timeout = ClientTimeout(total=timeout_s)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                answered = await _bounded(response.content.iter_any())
                return Answer(_outcome(response.status, answered), response.status, answered or b"")
        except (ClientError, TimeoutError, OSError):
            return Answer(Delivery.LATER)


async def _bounded(parts: AsyncIterator[bytes]) -> bytes | None:
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > MAX_ANSWER_BYTES:
            return None
    return bytes(body)


def _outcome(status: int, body: bytes | None) -> Delivery:
    if 200 <= status < 300 and body is not None:
        return Delivery.DONE
    return Delivery.REFUSED if status in {400, 404, 409, 413, 422} else Delivery.LATER
