"""Directories for edges, and charges that started on one while nobody could be asked (docs/spec/directory.md)."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.bundle.format import Bundle
from wattseal.crypto.hpke import SealPublicKey
from wattseal.model.provider import BY_DIRECTORY, Charge, ChargeStatus, Customer
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
    """What was promised to an edge: these tokens (canonical forms), this long, this many Wh."""

    origin: str
    issued_ms: int
    expires_ms: int
    cap_wh: int
    tokens: tuple[str, ...]


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
    kept = KeptDirectory(entry.origin, now_ms, terms.expires_ms, cap_wh, keys)
    entries = Entries(puts=[desk.books.put("directory", f"{entry.origin} {now_ms:015}", kept)])
    await desk.books.commit(entries)
    return statement.encode()


async def offline_charge(desk: Desk, contract: Contract, bundle: Bundle, claim: Claim) -> Charge | None:
    """Return the charge of a bundle that started on a directory of ours; None where it did not.

    Nothing is believed by this alone: the verifier and `judge_evidence` still have their say.
    """
    started = claim.started
    if started is None or started.payload.refs:
        return None
    shown = desk.shown(bundle, started, Group.IDENTITY)
    if shown is None:
        return None
    identity = Identity.read(shown.fields)
    token = IdToken(identity.id_token, identity.type)
    promise = await _promise(desk, claim.origin, started.payload.ms, token)
    customer = await desk.books.customer(token)
    if promise is None or customer is None:
        return None
    if customer.card_key is not None and not _is_proved(desk, contract, bundle, started, customer.card_key):
        return None
    tariff = await tariff_at(desk, contract.party, claim.origin, started.payload.ms)
    return Charge(
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
    )


def _is_proved(desk: Desk, contract: Contract, bundle: Bundle, started: Item, spki: bytes) -> bool:
    """Return whether the bundle has the edge's request for this charge, and in it the proof of the card's key."""
    for item in bundle.others:
        payload = item.payload
        if payload.kind != Kind.REQUEST or (payload.origin, payload.subject) != (
            started.payload.origin,
            started.payload.subject,
        ):
            continue
        shown = desk.shown(bundle, item, Group.IDENTITY)
        if shown is None or desk.distrusts(item, contract) is not None:
            continue
        identity = Identity.read(shown.fields)
        proof = read_proof(identity)
        evse_id = 0 if proof is None or proof.evse_id == 0 else started.payload.stream
        if check_proof(item, identity, evse_id, contract.log_origin, spki) is None:
            return True
    return False


async def _promise(desk: Desk, origin: str, at_ms: int, token: IdToken) -> KeptDirectory | None:
    async for _, kept in desk.books.all("directory", KeptDirectory):
        if kept.origin == origin and kept.issued_ms <= at_ms < kept.expires_ms and token.key() in kept.tokens:
            return kept
    return None
