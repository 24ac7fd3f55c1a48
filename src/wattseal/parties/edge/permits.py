"""Permission to charge: the signed request, the billing party's decision on it, and local policy in between."""

from dataclasses import replace

from wattseal.crypto.keys import PublicKey
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.cards import ProvedCard
from wattseal.parties.edge.records import identity_group, ops_group
from wattseal.parties.edge.state import EdgeState, Granted, Mode, Permit, Site
from wattseal.parties.edge.step import STATION_STREAM, Step, append
from wattseal.parties.edge.upstream import Upward, central_token
from wattseal.seal.dcbor import CborError
from wattseal.seal.directory import Directory
from wattseal.seal.fields import Decision, Ops
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Refusal
from wattseal.seal.writer import Draft, SubjectKeys

MAX_AUTH_ID_BYTES = 20
"""What fits base32 into an idToken of 36 characters."""
LOCAL_PERMIT_MS = 600_000
"""So long a start may follow an authorisation that local policy gave."""


def request(
    state: EdgeState,
    site: Site,
    token: IdToken,
    now_ms: int,
    *,
    evse_id: int | None = None,
    keys: SubjectKeys | None = None,
    card: ProvedCard | None = None,
) -> tuple[Step, Permit]:
    """Ask the billing party: a signed request, the token sealed to that party. What comes of it is in the permit.

    `evse_id` and `keys` are those of the transaction where one is running already. Those of a `card` that has proved
    itself are the ones it answered for, as is the place: nothing may be put on the chain in between.
    """
    if card is not None:
        keys, evse_id = card.keys, card.proof.evse_id or None
    keys = keys or SubjectKeys.new(site.writer.random)
    nonce = card.proof.nonce if card is not None else site.writer.random(16)
    ops = Ops(route=site.route, evse_id=evse_id, nonce=nonce)
    groups = identity_group(site, token, card.proof if card is not None else None) | ops_group(ops)
    state, items = append(state, site, STATION_STREAM, Draft(Kind.REQUEST, now_ms, site.clock, groups), keys)
    proved_evse = card.proof.evse_id if card is not None else None
    permit = Permit(site.digest(token), keys, items[-1].hash, now_ms, proved_evse=proved_evse)
    upward = Upward(tuple(item.encode() for item in items))
    if site.version != "1.6":
        sealed = site.mode is Mode.SEALED
        shown = central_token(keys.subject) if sealed else {"idToken": token.value, "type": token.type}
        upward = replace(upward, action="Authorize", payload={"idToken": shown})
    return Step(state.with_permit(permit), items, (upward,)), permit


def standing_permit(state: EdgeState, site: Site, token: IdToken, now_ms: int) -> Permit | None:
    """Return a permit that lets the token charge now: decided and not expired, or given locally a moment ago."""
    permit = state.permits.get(site.digest(token))
    if permit is None or permit.status is not TokenStatus.ACCEPTED:
        return None
    until = permit.granted.expires_ms if permit.granted is not None else permit.requested_ms + LOCAL_PERMIT_MS
    return permit if now_ms < until else None


def local_status(
    directory: Directory | None, token: IdToken, now_ms: int, card: ProvedCard | None = None
) -> TokenStatus:
    """Return local policy's word on a token while nobody can be asked: only a directory in force lets it charge."""
    if directory is not None and directory.usable_at(now_ms) and _lists(directory, token, card):
        return TokenStatus.ACCEPTED
    return TokenStatus.INVALID


def refused_at_once(directory: Directory | None, token: IdToken, now_ms: int, card: ProvedCard | None = None) -> bool:
    """Return whether a directory in force does not know the token: it is told to nobody then."""
    return directory is not None and directory.usable_at(now_ms) and not _lists(directory, token, card)


def _lists(directory: Directory, token: IdToken, card: ProvedCard | None) -> bool:
    """Return whether a directory lists the token, or the card that has proved to have the key listed with it."""
    return directory.has(token) or (card is not None and directory.has_card(token, card.spki))


def answer_locally(state: EdgeState, permit: Permit, status: TokenStatus) -> EdgeState:
    """Note that nobody answered in time and local policy did; the request stands, a decision may still come."""
    current = state.permits.get(permit.token)
    if current is None or current.request != permit.request or current.granted is not None:
        return state
    return state.with_permit(replace(current, local=status))


def decided(state: EdgeState, site: Site, item: Item, now_ms: int) -> EdgeState | Refusal:
    """Take a decision record, if the party that decides signed it for a request of ours; the first one counts."""
    granted = read_decision(site, item, now_ms)
    if isinstance(granted, Refusal):
        return granted
    for permit in state.permits.values():
        if _is_about(item, permit):
            return state if permit.granted else state.with_permit(replace(permit, granted=granted))
    for charge in state.charges.values():
        if charge.permit is not None and _is_about(item, charge.permit):
            permit = charge.permit
            return (
                state if permit.granted else state.with_charge(replace(charge, permit=replace(permit, granted=granted)))
            )
    return Refusal("decision_on_no_request_of_ours")


def _is_about(item: Item, permit: Permit) -> bool:
    return item.payload.refs[0] == permit.request and item.payload.subject == permit.keys.subject


def read_decision(site: Site, item: Item, now_ms: int) -> Granted | Refusal:
    """Return what a decision record grants, once signer, signature and expiry are checked; else why not."""
    payload = item.payload
    if payload.kind != Kind.DECISION or item.signature is None or not payload.refs:
        return Refusal("not_a_decision")
    entry = site.registry.signer(item.signature.kid, payload.origin, payload.kind, payload.ms)
    if isinstance(entry, Refusal):
        return entry
    try:
        said = Decision.read(payload.public)
    except CborError:
        return Refusal("decision_unreadable")
    refused = {
        "decision_by_another_party": entry.party != site.route,
        "key_revoked": entry.revoked_ms is not None and entry.revoked_ms <= now_ms,
        "decision_signature_invalid": not item.verify(PublicKey.from_spki(entry.spki), site.log_origin),
        "decision_expired": said.status is TokenStatus.ACCEPTED and said.expires_ms <= now_ms,
        "decision_unreadable": not 1 <= len(said.auth_id) <= MAX_AUTH_ID_BYTES,
    }
    for code, holds in refused.items():
        if holds:
            return Refusal(code)
    return Granted(item.hash, said.status, said.auth_id, said.expires_ms, said.cap_wh)


def expire_permits(state: EdgeState, now_ms: int, keep_ms: int) -> EdgeState:
    """Forget permits that nobody used: decided ones when they expire, others `keep_ms` after they were asked for."""
    for permit in tuple(state.permits.values()):
        until = permit.granted.expires_ms if permit.granted is not None else permit.requested_ms + keep_ms
        if until <= now_ms:
            state = state.without_permit(permit.token)
    return state
