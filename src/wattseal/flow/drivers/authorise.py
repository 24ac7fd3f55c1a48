"""Authorisation: a request record, and the signed decision of whoever bills the driver."""

from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace

from wattseal.flow.documents import TRANSACTION, put, read
from wattseal.flow.drivers.authorization import at, authorization_of
from wattseal.flow.drivers.code_starts import kept_grant
from wattseal.flow.drivers.decisions import decision_on
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.drivers.own_risk import by_hearsay, cap_of
from wattseal.flow.drivers.shown import Shown
from wattseal.flow.drivers.shown_price import prices_ready, with_price
from wattseal.flow.drivers.uid_tries import COUNTED, is_stopped, note_try
from wattseal.flow.memory import MAX_GRANTS, Grant, Memory
from wattseal.flow.money.holds import amount_for, backing_of, cap_for, place, refuses_partner
from wattseal.flow.money.tariffs import tariff_for
from wattseal.flow.step import Step, decided
from wattseal.flow.world import ASK_TIMEOUT_S, World
from wattseal.model.identity_level import SECURE
from wattseal.model.tariff import CurrentTariff
from wattseal.model.token import NO_AUTHORIZATION, Authorization, IdToken, TokenRecord, TokenStatus
from wattseal.rules.authorize import (
    AskParty,
    MasterPass,
    OwnDecision,
    Place,
    charging_key,
    described,
    own_card_key,
    who_decides,
)
from wattseal.rules.hold_policy import OFFLINE, UNREACHABLE
from wattseal.rules.recorded import Recorded
from wattseal.rules.transactions import apply
from wattseal.seal import dcbor
from wattseal.seal.card import NOT_PROVED
from wattseal.seal.fields import Decision, Identity, Ops
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft, Written

CHARGING = "charging"
"""Document kind, by token or group: the transaction last charged to it, kept where one at a time is allowed."""


class Refused(Struct, frozen=True):
    """Nothing to charge to: what the station is told. `note` is a code for the record, if the reason is worth one.

    A master pass is told Accepted here: it ends transactions and pays for none. `refusal` is the signed decision, where
    there is one: of a transaction that has begun all the same there always is.
    """

    authorization: Authorization
    note: str | None = None
    refusal: Grant | None = None


AUTH_ID_BYTES = 16


def unused_grant(memory: Memory, id_token: IdToken, now_ms: int, subject: bytes | None = None) -> Grant | None:
    """Return an authorisation given to this token at this station that no transaction has used.

    One that was given for a transaction under way is good for that one (`subject`) alone.
    """
    grant = memory.grants.get(id_token.key())
    if grant is None or grant.expires_ms <= now_ms:
        return None
    taken = subject is None and any(live.subject == grant.subject for live in memory.live.values())
    return None if taken else grant


def keep_grant(memory: Memory, id_token: IdToken, grant: Grant) -> None:
    """Keep an authorisation until a transaction uses it; the oldest goes when there are too many."""
    memory.grants[id_token.key()] = grant
    if len(memory.grants) > MAX_GRANTS:
        memory.grants.popitem(last=False)


def use_grant(memory: Memory, id_token: IdToken, evse_id: int) -> None:
    """Keep an authorisation no longer: its transaction has begun, or another one with this token, here or anywhere."""
    grant = memory.grants.get(id_token.key())
    if grant is not None and not grant.is_for_elsewhere(evse_id):
        del memory.grants[id_token.key()]


class Asked(Struct, frozen=True):
    """A driver's token presented at a station.

    `subject` is the transaction's that the records belong to; None while there is no transaction yet: then it is drawn,
    and an unused grant's will do. `starts`: a transaction is to be charged to it now; `awaited`: one has begun already
    and waits for it. `only_starts`: the station knows no master pass and takes Accepted for leave to begin (1.6).
    `offline`: the station has let it charge by itself. `drawn`: the subject has just been drawn. `vouched`: the
    operator asks, no card was held to a reader. `shown`: what was shown beyond a number; it is always decided on anew.
    """

    memory: Memory
    step: Step
    id_token: IdToken
    evse_id: int
    subject: bytes | None = None
    starts: bool = False
    only_starts: bool = False
    awaited: bool = False
    offline: bool = False
    drawn: bool = False
    vouched: bool = False
    shown: Shown | None = None

    @property
    def world(self) -> World:
        """The world of the step."""
        return self.step.world

    @property
    def begun(self) -> bool:
        """Whether there is a transaction to be charged to it."""
        return self.starts or self.awaited

    @property
    def place(self) -> Place:
        """Where it is presented."""
        return Place(self.memory.station.id, self.evse_id, at(self.step.now_ms), self.starts or self.only_starts)


async def authorise(asked: Asked) -> Grant | Refused:
    """Have a token decided on; request and decision go into the step, which the caller commits before answering.

    Once this has returned, the caller awaits nothing but that commit: others write to the same billing chain.

    Where an eMSP decides, the request is durable before it is asked, and silence is not consent unless the operator
    has said so. An unused grant is good as long as the CPO itself has nothing against the token.
    """
    world = asked.world
    if await _is_stopped(asked):
        return await _refused(asked, None, TokenStatus.INVALID, "guessing")
    token = await find_token(world, asked.id_token) if asked.shown is None else asked.shown.token
    decides = who_decides(token, asked.place, world.settings.master_group)
    if isinstance(decides, OwnDecision) and decides.status is not TokenStatus.ACCEPTED:
        await _note_try(asked, decides.status)
        return await _refused(asked, token, decides.status)
    if isinstance(decides, MasterPass):
        return Refused(described(Authorization(TokenStatus.ACCEPTED), token, asked.memory.station.id))
    if isinstance(decides, AskParty) and await refuses_partner(world, decides.party):
        return await _refused(asked, token, TokenStatus.BLOCKED, "account")
    if asked.id_token.type == NO_AUTHORIZATION and not world.settings.start_button:
        return Refused(Authorization(TokenStatus.ACCEPTED), "start_button")
    if token is not None and await _charges_elsewhere(asked, token):
        return await _refused(asked, token, TokenStatus.CONCURRENT_TX)
    grant = await _at_hand(asked, token)
    if grant is None:
        asked = asked if asked.subject is not None else replace(asked, subject=world.new_subject(), drawn=True)
        assert token is not None  # noqa: S101 - nobody decides well on a token that is not known
        await prices_ready(world)
        made = await (_ask(asked, token, decides.party) if isinstance(decides, AskParty) else _decide(asked, token))
        told = described(made.authorization, token, asked.memory.station.id)
        if isinstance(made, Refused):
            return replace(made, authorization=told)
        made.authorization = with_price(world, told, made.records[-1].refs)
        grant = made
    if asked.begun and token is not None:
        _note_charging(asked.step, token, grant.subject)
    return grant


async def _at_hand(asked: Asked, token: TokenRecord | None) -> Grant | None:
    """Return an authorisation given before that will do; what a code was given is found over restarts as well."""
    if asked.shown is not None:
        return None
    now_ms = asked.step.now_ms
    grant = unused_grant(asked.memory, asked.id_token, now_ms, asked.subject)
    if grant is None and asked.subject is None:
        grant = await kept_grant(asked.world, asked.memory, token, now_ms)
    if grant is None or grant.is_for_elsewhere(asked.evse_id):
        return None
    return None if asked.begun and asked.subject not in {None, grant.subject} else grant


async def _is_stopped(asked: Asked) -> bool:
    """Return whether card numbers were tried out here until no more are; what has begun already is judged as always."""
    now_ms = asked.step.now_ms
    if asked.vouched or asked.offline or unused_grant(asked.memory, asked.id_token, now_ms, asked.subject) is not None:
        return False
    stopped = await is_stopped(asked.world, asked.memory, asked.id_token, now_ms)
    if stopped:
        asked.world.count("uid_guesses_refused")
        await note_try(asked.step, asked.id_token)
    return stopped


async def _note_try(asked: Asked, status: TokenStatus) -> None:
    if status in COUNTED and not asked.vouched:
        await note_try(asked.step, asked.id_token)


async def standing(memory: Memory, world: World, id_token: IdToken, now_ms: int) -> Authorization:
    """Return what is known of a token that is to pay for nothing: one presented to end a transaction."""
    token = await find_token(world, id_token)
    decides = who_decides(token, Place(memory.station.id, 0, at(now_ms)), world.settings.master_group)
    status = decides.status if isinstance(decides, OwnDecision) else TokenStatus.ACCEPTED
    return described(Authorization(status), token, memory.station.id)


async def _refused(asked: Asked, token: TokenRecord | None, status: TokenStatus, reason: str | None = None) -> Refused:
    """Refuse a token; where a transaction has begun with it, in a signed decision that this refers to.

    A card that is merely held to a reader leaves no record: whoever has a pile of made-up ones could fill the log.
    """
    told = described(Authorization(status), token, asked.memory.station.id)
    if not asked.starts:
        return Refused(told)
    asked = asked if asked.subject is not None else replace(asked, subject=asked.world.new_subject())
    await asked.world.chains.ready(asked.world.billing_origin, 0)
    request = await _request(asked, asked.step, asked.world.party)
    refusal = _sign(
        asked, request, asked.world.party, Decision(status, _auth_id(asked), asked.step.now_ms, None, reason)
    )
    refusal.authorization = described(refusal.authorization, token, asked.memory.station.id)
    return Refused(refusal.authorization, None, refusal)


@dataclass(frozen=True, slots=True)
class Charging:
    """Document: the latest transaction of a token or group, by the pseudonym of its records in hex."""

    subject: str
    station_id: str


async def _charges_elsewhere(asked: Asked, token: TokenRecord) -> bool:
    """Return whether the operator's limit is reached: at another station or, where one is to start, anywhere."""
    key = charging_key(token, asked.world.settings.one_per)
    if key is None:
        return False
    world = asked.world
    document = await world.journal.document(world.tenant, CHARGING, key)
    if document is None:
        return False
    last = read(document, Charging)
    if not asked.begun and last.station_id == asked.memory.station.id:
        return False
    if asked.subject is not None and last.subject == asked.subject.hex():
        return False
    running = await world.journal.document(world.tenant, TRANSACTION, last.subject)
    return running is not None and bool(running.active)


def _note_charging(step: Step, token: TokenRecord, subject: bytes) -> None:
    key = charging_key(token, step.world.settings.one_per)
    if key is not None:
        step.puts.append(put(CHARGING, key, Charging(subject.hex(), step.station_id), step.now_ms))


async def _request(asked: Asked, step: Step, route: str) -> Written:
    world, id_token = asked.world, asked.id_token
    place = (asked.memory.origin, 0)
    await world.chains.ready(*place)
    if asked.shown is not None:
        asked.shown.check_follows(world.chains.head(place))
    shown = None if asked.shown is None else (asked.shown.kind, asked.shown.data)
    identity = Identity(id_token.value, id_token.type, shown)
    ops = Ops(route=route, evse_id=asked.evse_id or None, nonce=world.random.bytes(16))
    groups = ((_IDENTITY, dcbor.encode(identity.to_fields())), (_OPS, ops.encode()))
    return step.write(place, world.csms_key, PlainDraft(Kind.REQUEST, step.now_ms, groups), asked.subject)


_IDENTITY, _OPS = int(Group.IDENTITY), int(Group.OPS)


def _requested(written: Written, route: str, id_token: IdToken) -> Recorded:
    return Recorded(
        kind=Kind.REQUEST,
        hash=written.hash,
        origin=written.origin,
        stream=written.stream,
        ms=written.ms,
        subject=written.subject,
        ops=Ops(route=route),
        identity=Identity(id_token.value, id_token.type),
    )


async def _decide(asked: Asked, token: TokenRecord) -> Grant | Refused:
    """Decide on one of the CPO's own tokens; what its account is to pay is held in the same step."""
    if own_card_key(token) is not None and asked.shown is None and not asked.vouched:
        return await _refused(asked, token, TokenStatus.INVALID, NOT_PROVED)
    world, subject = asked.world, asked.subject or b""
    await world.chains.ready(world.billing_origin, 0)
    await world.chains.ready(asked.memory.origin, 0)
    tariff = await tariff_for(world, asked.memory.station, token, asked.step.now_ms)
    backing = await backing_of(world, token, tariff, subject, drawn=asked.drawn)
    cap_wh, reason = None, OFFLINE if asked.offline else None
    if asked.offline:
        cap_wh = await cap_of(world, asked.memory.station.id, token, OFFLINE, backing.terms)
        if cap_wh is None:
            return await _refused(asked, token, TokenStatus.INVALID, reason)
    amount = None if backing.refusal else amount_for(world, backing, at_all=asked.offline)
    if amount is None:
        return await _refused(asked, token, backing.refusal or TokenStatus.NO_CREDIT, "account")
    if not asked.offline:
        cap_wh = cap_for(world, backing, amount, asked.step.now_ms)
        surer = asked.vouched or (asked.shown is not None and asked.shown.level == SECURE)
        cap_wh, reason = by_hearsay(world, token, cap_wh, vouched=surer)
    request = await _request(asked, asked.step, world.party)
    decision = _accepted(asked, cap_wh, reason)
    grant = _sign(asked, request, world.party, decision, tariff)
    grant.held = place(asked.step, backing, amount, grant)
    return grant


def _sign(asked: Asked, request: Written, route: str, decision: Decision, tariff: CurrentTariff | None = None) -> Grant:
    """Write the CPO's own decision on a request; nothing is awaited from here to the commit."""
    world, step = asked.world, asked.step
    refs = (request.hash,) if tariff is None else (request.hash, bytes.fromhex(tariff.record))
    draft = PlainDraft(Kind.DECISION, step.now_ms, refs=refs, public=dcbor.encode(decision.to_public()))
    written = step.write((world.billing_origin, 0), world.billing_key, draft, asked.subject)
    return _grant(_requested(request, route, asked.id_token), decision, written)


def _accepted(asked: Asked, cap_wh: int | None, reason: str | None) -> Decision:
    identified = None if asked.shown is None else asked.shown.identified
    return Decision(TokenStatus.ACCEPTED, _auth_id(asked), _expires_ms(asked), cap_wh, reason, identified)


def _auth_id(asked: Asked) -> bytes:
    return asked.world.random.bytes(AUTH_ID_BYTES)


def _expires_ms(asked: Asked) -> int:
    return asked.step.now_ms + asked.world.settings.grant_s * 1000


def _grant(request: Recorded, decision: Decision, item: Item | Written) -> Grant:
    assert request.subject is not None  # noqa: S101 - a request names the transaction it is for
    records = (request, decided(item, decision))
    return Grant(records, request.subject, authorization_of(decision, item), decision.expires_ms)


async def _ask(asked: Asked, token: TokenRecord, party: str) -> Grant | Refused:
    world = asked.world
    first = Step(world, asked.step.station_id, asked.step.now_ms)
    request = await _request(asked, first, party)
    live = next((one for one in asked.memory.live.values() if one.subject == asked.subject and not one.fresh), None)
    if live is not None:
        live.transaction = apply(live.transaction, _requested(request, party, asked.id_token))
        first.project(live.transaction)
    await first.commit()
    answered = await world.partners.ask(party, (request.item,), ASK_TIMEOUT_S)
    if answered is None:
        world.count("billing_party_unreachable")
        return await _alone(asked, token, request, party)
    found = decision_on(world, answered, parse_item(request.item), party)
    if found is None:
        world.count("decision_unusable")
        await world.chains.ready(world.billing_origin, 0)
        refusal = Decision(TokenStatus.INVALID, _auth_id(asked), asked.step.now_ms, None, "no_decision")
        grant = _sign(asked, request, party, refusal)
        return Refused(grant.authorization, "no_decision", grant)
    item, decision = found
    asked.step.keep(item)
    grant = _grant(_requested(request, party, asked.id_token), decision, item)
    if decision.status is not TokenStatus.ACCEPTED:
        return Refused(grant.authorization, None, grant)
    return grant


async def _alone(asked: Asked, token: TokenRecord, request: Written, party: str) -> Grant | Refused:
    """Decide in the place of an eMSP that does not answer, by the operator's policy and at the CPO's own risk.

    The decision is signed by the CPO, with that reason: nobody can take it for the eMSP's.
    """
    world = asked.world
    await world.chains.ready(world.billing_origin, 0)
    tariff = await tariff_for(world, asked.memory.station, token, asked.step.now_ms)
    cap_wh = await cap_of(world, asked.memory.station.id, token, UNREACHABLE, None)
    if cap_wh is None:
        refusal = Decision(TokenStatus.INVALID, _auth_id(asked), asked.step.now_ms, None, UNREACHABLE)
        grant = _sign(asked, request, party, refusal)
        return Refused(grant.authorization, "billing_party_unreachable", grant)
    decision = _accepted(asked, cap_wh, UNREACHABLE)
    return _sign(asked, request, party, decision, tariff)
