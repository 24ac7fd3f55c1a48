"""What every part of the eMSP works with: its keys, its terms, its trust, its books."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.bundle.format import Bundle
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.parties.emsp.books import AUTHORISATION, SETTLEMENT, Books
from wattseal.rules.settlement import Contract
from wattseal.seal.groups import Content, Opening, check_opening, open_box, unwrap
from wattseal.seal.item import Group, Item
from wattseal.seal.registry import Refusal, Registry
from wattseal.seal.writer import Writer


@dataclass(frozen=True, slots=True)
class EmspKeys:
    """The eMSP's signing and sealing keys."""

    sign: SigningKey = field(repr=False)
    seal: SealPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """The eMSP's policy: what it holds for a charge, how long its word is good, how old a request may be.

    At the share `extend_at` of what is held as much again is.
    """

    hold: Decimal = Decimal(50)
    least_hold: Decimal = Decimal(5)
    extend_at: Decimal = Decimal("0.8")
    max_session_wh: int = 200_000
    decision_ms: int = 15 * 60_000
    request_age_ms: int = 15 * 60_000
    clock_skew_ms: int = 5 * 60_000


@dataclass(slots=True)
class Desk:
    """Keys, terms, contracts by CPO, books; `trust` may be replaced while running."""

    party: str
    keys: EmspKeys
    terms: Terms
    contracts: dict[str, Contract]
    books: Books
    _trust: Trust
    _registry: Registry = field(init=False)

    def __post_init__(self) -> None:
        """Read the registry once."""
        self._registry = self._trust.registry()

    @property
    def trust(self) -> Trust:
        """The trust file in force."""
        return self._trust

    @trust.setter
    def trust(self, trust: Trust) -> None:
        self._trust, self._registry = trust, trust.registry()

    @property
    def registry(self) -> Registry:
        """The entries of the trust file."""
        return self._registry

    def authorisation_writer(self, contract: Contract) -> Writer:
        """Return the writer of decisions for a CPO's log."""
        return self._writer(AUTHORISATION, contract)

    def settlement_writer(self, contract: Contract) -> Writer:
        """Return the writer of settlements for a CPO's log."""
        return self._writer(SETTLEMENT, contract)

    def _writer(self, name: str, contract: Contract) -> Writer:
        return Writer.new(f"{self.party}/{name}", contract.log_origin, self.keys.sign, self.books.random.bytes)

    def distrusts(self, item: Item, contract: Contract) -> str | None:
        """Return why a record from this CPO is not believed, as a code; None: it is its enrolled signer's."""
        payload, signature = item.payload, item.signature
        if payload.origin.partition("/")[0] != contract.party:
            return "origin_of_another_party"
        if signature is None:
            return "unsigned"
        entry = self.registry.signer(signature.kid, payload.origin, payload.kind, payload.ms)
        if isinstance(entry, Refusal):
            return entry.code
        if entry.revoked_ms is not None and self.books.now_ms() >= entry.revoked_ms:
            return "key_revoked"
        if self.registry.after_handover(entry.kid, payload.stream, payload.epoch, payload.seq, item.hash):
            return "signed_after_handover"
        try:
            key = PublicKey.from_spki(entry.spki)
        except InputError as error:
            return error.code
        return None if item.verify(key, contract.log_origin) else "signature_invalid"

    def read_group(self, item: Item, gid: Group, secret: bytes | None = None) -> Content | str:
        """Return a group's content if it is plain or sealed to this side, else a code."""
        if gid not in item.payload.groups:
            return "group_missing"
        opened = open_box(item, gid, secret or unwrap(item, gid, self.keys.seal))
        return Content.decode(opened.content) if isinstance(opened, Opening) else opened

    def shown(self, bundle: Bundle, item: Item, gid: Group) -> Content | None:
        """Return a group's content from a bundle's openings, or from the box where this side may read it."""
        for opening in bundle.openings:
            if (opening.payload_hash, opening.gid) == (item.hash, gid) and check_opening(item.payload, opening):
                return Content.decode(opening.content)
        content = self.read_group(item, gid)
        return None if isinstance(content, str) else content


async def contradicting(desk: Desk, contract: Contract, items: Sequence[Item]) -> list[Item]:
    """Return believed records kept here that stand at the places of `items` and say something else: forks."""
    return [other for other in await desk.books.beside(items) if desk.distrusts(other, contract) is None]
