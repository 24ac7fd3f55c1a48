"""Directories for edges, and charges that started on one while nobody could be asked (docs/spec/directory.md)."""

from dataclasses import dataclass, field, replace

from wattseal.base.errors import InputError
from wattseal.bundle.format import Bundle
from wattseal.crypto.hpke import SealPublicKey
from wattseal.model.identity_level import SECURE, level_of
from wattseal.model.provider import BY_DIRECTORY, NOT_FRESH, Charge, ChargeStatus, Customer
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.parties.emsp.tariffs import tariff_at
from wattseal.rules.settlement import Claim, Contract
from wattseal.seal.card import check_proof, read_proof
from wattseal.seal.directory import DirectoryTerms, issue_directory
from wattseal.seal.fields import Identity
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role, Use

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class KeptDirectory:
    """What was promised to an edge: these tokens (canonical forms), this long, this many Wh.

    `cards` are those of them that had to prove themselves, and by which key (SPKI, hex).
    """

    origin: str
    issued_ms: int
    expires_ms: int
    cap_wh: int
    tokens: tuple[str, ...]
    cards: dict[str, str] = field(default_factory=dict)


async def make_directory(desk: Desk, edge_spki: bytes, *, days: int, cap_wh: int) -> bytes:
    """Issue the directory for the edge that the registry has enrolled with this sealing key, of all good customers."""
    seals = (e for e in desk.registry.entries() if e.role is Role.EDGE and e.use is Use.SEAL and e.revoked_ms is None)
    entry = next((e for e in seals if e.spki == edge_spki), None)
    if entry is None:
        raise InputError(
            "this is no enrolled edge's sealing key; enrol it and give the new trust file with --trust",
            code="edge_not_enrolled",
            subject=edge_spki.hex()[-16:],
        )
    customers = [c async for _, c in desk.books.all("customer", Customer)]
    good = [c for c in customers if c.status is c.card is TokenStatus.ACCEPTED and c.account.available > 0]
    cards = [(c.id_token, c.card_key) for c in good if c.card_key is not None]
    now_ms = desk.books.now_ms()
    terms = DirectoryTerms(desk.party, entry.origin, now_ms, now_ms + days * DAY_MS, cap_wh)
    edge = SealPublicKey.from_spki(edge_spki)
    bare = [c.id_token for c in good if c.card_key is None]
    statement = issue_directory(terms, bare, edge, desk.keys.sign, desk.books.random.bytes, cards=cards)
    keys = tuple(sorted(c.id_token.key() for c in good))
    by_key = {token.key(): spki.hex() for token, spki in cards}
    kept = KeptDirectory(entry.origin, now_ms, terms.expires_ms, cap_wh, keys, by_key)
    entries = Entries(puts=[desk.books.put("directory", f"{entry.origin} {now_ms:015}", kept)])
    await desk.books.commit(entries)
    return statement.encode()


def is_late(known: Charge, claim: Claim) -> bool:
    """Return whether a charge began before its edge had heard what was decided on it: the directory counts then.

    One that was refused in time, for whatever reason, does not come back by a directory.
    """
    unheard = known.token_status is TokenStatus.ACCEPTED or known.reason == NOT_FRESH
    return bool(known.decision) and unheard and claim.started is not None and not claim.started.payload.refs


async def offline_charge(
    desk: Desk, contract: Contract, bundle: Bundle, claim: Claim, known: Charge | None = None
) -> Charge | None:
    """Return the charge of a bundle that started on a directory of ours; None where it did not.

    `known` is what a request that came later has left, a hold among it. Nothing is believed by this alone: the verifier
    and `judge_evidence` still have their say.
    """
    started = claim.started
    if started is None or started.payload.refs:
        return None
    request, identity = await _identity(desk, contract, bundle, started)
    token = None if identity is None else IdToken(identity.id_token, identity.type)
    promise = None if token is None else await _promise(desk, claim.origin, started.payload.ms, token)
    customer = None if token is None else await desk.books.customer(token)
    if identity is None or token is None or promise is None or customer is None:
        return None
    key = promise.cards.get(token.key())
    if key is not None and not _is_proved(contract, request, started, identity, bytes.fromhex(key)):
        return None
    tariff = await tariff_at(desk, contract.party, claim.origin, started.payload.ms)
    charge = Charge(
        subject=claim.subject.hex(),
        cpo=contract.party,
        origin=claim.origin,
        evse_id=started.payload.stream,
        request="",
        decision="",
        tariff=tariff.record.hex() if tariff else None,
        status=ChargeStatus.ENDED,
        token_status=TokenStatus.ACCEPTED,
        reason=BY_DIRECTORY,
        customer=token.key(),
        requested_ms=started.payload.ms,
        expires_ms=promise.expires_ms,
        auth_id="",
        cap_wh=promise.cap_wh,
        identity_level=level_of(token.type) if key is None else SECURE,
    )
    if known is None:
        return charge
    taken = ("evse_id", "tariff", "token_status", "reason", "customer", "requested_ms", "expires_ms", "cap_wh")
    return replace(known, **{name: getattr(charge, name) for name in (*taken, "identity_level")})


async def _identity(
    desk: Desk, contract: Contract, bundle: Bundle, started: Item
) -> tuple[Item | None, Identity | None]:
    """Return the edge's request for a charge, where it is at hand, and whose token it was: by that, or by the start."""
    place = (Kind.REQUEST, started.payload.origin, started.payload.subject)
    kept = await desk.books.items_of(started.payload.subject or b"")
    for item in (*bundle.others, *kept):
        if (item.payload.kind, item.payload.origin, item.payload.subject) != place:
            continue
        shown = desk.shown(bundle, item, Group.IDENTITY)
        if shown is not None and desk.distrusts(item, contract) is None:
            return item, Identity.read(shown.fields)
    shown = desk.shown(bundle, started, Group.IDENTITY)
    return None, None if shown is None else Identity.read(shown.fields)


def _is_proved(contract: Contract, request: Item | None, started: Item, identity: Identity, spki: bytes) -> bool:
    """Return whether the edge's request proves the card that the directory listed by its key."""
    proof = read_proof(identity)
    if request is None or proof is None:
        return False
    evse_id = started.payload.stream if proof.evse_id else 0
    return check_proof(request, identity, evse_id, contract.log_origin, spki) is None


async def _promise(desk: Desk, origin: str, at_ms: int, token: IdToken) -> KeptDirectory | None:
    async for _, kept in desk.books.all("directory", KeptDirectory):
        if kept.origin == origin and kept.issued_ms <= at_ms < kept.expires_ms and token.key() in kept.tokens:
            return kept
    return None
