"""The enrolment registry: whose key may sign or read what, from when (docs/spec/trust.md).

Entries are signed by a registry root that the verifier trusts beforehand; an entry of a meter, station or edge also
carries the consent of a party other than the CPO, so that no CPO enrols its own stations alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.crypto.hpke import SealPublicKey
from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import Kind, is_origin
from wattseal.seal.signed import Domain, Statement, sign, statement_from


class Role(IntEnum):
    """What a key's holder is."""

    METER = 1
    STATION = 2
    EDGE = 3
    CSMS = 4
    BILLING = 5
    EMSP = 6
    DSO = 7
    CSIO = 8
    ARBITER = 9


class Use(IntEnum):
    """What a key is for; one key has one use."""

    SIGN = 0
    SEAL = 1


SOURCE_ROLES = frozenset({Role.METER, Role.STATION, Role.EDGE})
"""Roles whose entries need somebody else's consent."""
CONSENTING_ROLES = frozenset({Role.EMSP, Role.CSIO})
PARTY_WIDE_ROLES = frozenset(Role) - SOURCE_ROLES
"""Roles whose origin may be `PARTY/*`."""
_OWN_CHAIN = frozenset({Kind.BOOT, Kind.HEARTBEAT, Kind.KEY_CHANGE})
_CHARGE = frozenset({Kind.REQUEST, Kind.STARTED, Kind.READING, Kind.ENDED})
_MONEY = frozenset({Kind.ACCOUNT, Kind.POSTING, Kind.RULING, Kind.INVOICE, Kind.DISPUTE, Kind.PAYMENT})
_BILLING = (
    frozenset({Kind.DECISION, Kind.SETTLEMENT, Kind.TARIFF, Kind.PERSON, Kind.ERASURE, Kind.ALARM, Kind.WORKS}) | _MONEY
)
_MAY_SIGN: dict[Role, frozenset[Kind]] = {
    Role.METER: _CHARGE,
    Role.STATION: _CHARGE,
    Role.EDGE: _CHARGE,
    Role.CSMS: _CHARGE | {Kind.COMMAND, Kind.TARIFF},
    Role.BILLING: _BILLING,
    Role.EMSP: _BILLING | {Kind.COMMAND},
    Role.DSO: frozenset({Kind.CAPACITY_LIMIT}),
    Role.CSIO: frozenset({Kind.FIRMWARE}),
    Role.ARBITER: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Handover:
    """The old key's word on its successor and where each of its chains stood: `(stream, epoch, seq, head)`."""

    origin: str
    successor_spki: bytes
    heads: tuple[tuple[int, int, int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of one holder. `version` is the registry's when it was written; times are Unix milliseconds."""

    version: int
    origin: str
    role: Role
    party: str
    custodian: str
    spki: bytes
    use: Use
    from_ms: int
    revoked_ms: int | None = None
    handover: Statement | None = None
    meter_id: str | None = None
    consents: tuple[Statement, ...] = ()

    @property
    def kid(self) -> bytes:
        """First 8 bytes of SHA-256 of the SPKI."""
        return sha256(self.spki)[:8]

    def covers(self, origin: str) -> bool:
        """Return whether this entry speaks for `origin`."""
        return self.origin == origin or (self.origin.endswith("/*") and origin.startswith(self.origin[:-1]))

    def may_sign(self, kind: int) -> bool:
        """Return whether the role may sign records of this kind."""
        return self.use is Use.SIGN and (kind in _MAY_SIGN[self.role] or kind in _OWN_CHAIN)

    def consent_fields(self) -> dict[int, Any]:
        """Return what a consent signs: the hash of all but version, revocation and consents."""
        fields = {k: v for k, v in self.fields().items() if k not in {1, 9, 12}}
        return {1: sha256(dcbor.encode(fields))}

    def fields(self) -> dict[int, Any]:
        """Return the entry's payload map."""
        optional = {
            9: self.revoked_ms,
            10: self.handover.to_value() if self.handover else None,
            11: self.meter_id,
            12: [c.to_value() for c in self.consents] or None,
        }
        return {
            1: self.version,
            2: self.origin,
            3: int(self.role),
            4: self.party,
            5: self.custodian,
            6: self.spki,
            7: int(self.use),
            8: self.from_ms,
        } | {k: v for k, v in optional.items() if v is not None}

    def consent(self, key: SigningKey, registry: str) -> Statement:
        """Sign this entry as a consenting party."""
        return sign(self.consent_fields(), key, Domain.CONSENT, registry)

    def issue(self, root: SigningKey, registry: str) -> Statement:
        """Sign this entry as the registry."""
        return sign(self.fields(), root, Domain.ENTRY, registry)


def entry_from(statement: Statement) -> Entry:
    """Check the shape of an entry's payload; `CborError` names the field."""
    return read_entry(statement.fields)


def read_entry(f: Mapping[int, Any]) -> Entry:
    """Check the shape of an entry's fields; `CborError` names the field."""
    types = {1: int, 2: str, 3: int, 4: str, 5: str, 6: bytes, 7: int, 8: int, 9: int, 11: str, 12: list}
    if not f.keys() >= set(range(1, 9)) or f.keys() - set(range(1, 13)):
        raise CborError("a registry entry has fields 1 to 8 and at most 9 to 12", subject="entry")
    for number, kind in types.items():
        if number in f and type(f[number]) is not kind:
            raise CborError(f"entry field {number} has the wrong type", subject=f"entry {number}")
    try:
        role, use = Role(f[3]), Use(f[7])
    except ValueError as error:
        raise CborError("unknown role or use", subject="entry 3") from error
    if not is_origin(f[2]) or ("*" in f[2] and (not f[2].endswith("/*") or role not in PARTY_WIDE_ROLES)):
        raise CborError("origin is PARTY/STATION, or PARTY/* for a party's own key", subject="entry 2")
    return Entry(
        version=f[1],
        origin=f[2],
        role=role,
        party=f[4],
        custodian=f[5],
        spki=f[6],
        use=use,
        from_ms=f[8],
        revoked_ms=f.get(9),
        handover=statement_from(f[10]) if 10 in f else None,
        meter_id=f.get(11),
        consents=tuple(statement_from(c) for c in f.get(12, [])),
    )


def hand_over(handover: Handover, old_key: SigningKey) -> Statement:
    """Sign a handover with the key that retires."""
    fields = {1: handover.origin, 2: handover.successor_spki, 3: [list(h) for h in handover.heads]}
    return sign(fields, old_key, Domain.HANDOVER, handover.origin)


def handover_from(statement: Statement) -> Handover:
    """Check the shape of a handover."""
    match statement.fields:
        case {1: str(origin), 2: bytes(spki), 3: [*heads]} if len(statement.fields) == 3:
            parsed = []
            for head in heads:
                match head:
                    case [int(stream), int(epoch), int(seq), bytes(last)] if len(last) == 32:
                        parsed.append((stream, epoch, seq, last))
                    case _:
                        raise CborError("a head is [stream, epoch, seq, hash]", subject="handover 3")
            return Handover(origin, spki, tuple(parsed))
    raise CborError("a handover is {1: origin, 2: spki, 3: heads}", subject="handover")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a key is not entitled, as a code."""

    code: str


class Registry:
    """The entries a verifier accepts, newest version of each key; filled from root-signed statements only."""

    def __init__(self, roots: dict[str, PublicKey]) -> None:
        self._roots = roots
        self._by_kid: dict[bytes, Entry] = {}
        self._enrolled_by: dict[bytes, set[str]] = {}
        self._handovers: dict[bytes, Handover] = {}

    def add_all(self, statements: list[Statement]) -> list[Refusal]:
        """Add entries, those of consenting parties first; return why others were refused."""
        parsed = [(s, entry_from(s)) for s in statements]
        parsed.sort(key=lambda pair: (pair[1].role in SOURCE_ROLES, pair[1].version))
        return [r for s, e in parsed if (r := self._add(s, e)) is not None]

    def trust(self, entry: Entry) -> None:
        """Take an entry on the verifier's own word (its trust file, or its own enrolment)."""
        self._by_kid[entry.kid] = entry

    def _add(self, statement: Statement, entry: Entry) -> Refusal | None:
        roots = [(name, root) for name, root in self._roots.items() if root.kid == statement.signature.kid]
        if not roots:
            return Refusal("entry_of_an_unknown_root")
        names = {name for name, root in roots if statement.verify(root, Domain.ENTRY, name)}
        if not names:
            return Refusal("entry_signature_invalid")
        known = self._by_kid.get(entry.kid)
        if known is not None and known.version > entry.version:
            return None
        refusal = self._check_key(entry, known)
        if refusal is None and entry.role in SOURCE_ROLES and not self._has_consent(entry, names):
            refusal = Refusal("no_consent_of_a_party_other_than_the_cpo")
        if refusal is None and entry.handover is not None:
            refusal = self._take_handover(entry, entry.handover)
        if refusal is None:
            self._by_kid[entry.kid] = entry
            self._enrolled_by.setdefault(entry.kid, set()).update(names)
        return refusal

    @staticmethod
    def _check_key(entry: Entry, known: Entry | None) -> Refusal | None:
        try:
            if entry.use is Use.SEAL:
                SealPublicKey.from_spki(entry.spki)
            elif entry.role is not Role.METER:
                PublicKey.from_spki(entry.spki)
        except InputError as error:
            return Refusal(error.code)
        if known is None:
            return None
        if (known.spki, known.role, known.use, known.origin) != (entry.spki, entry.role, entry.use, entry.origin):
            return Refusal("key_reused_for_another_purpose")
        if known.revoked_ms is not None and (entry.revoked_ms is None or entry.revoked_ms > known.revoked_ms):
            return Refusal("revocation_cannot_be_taken_back")
        return None

    def _has_consent(self, entry: Entry, names: set[str]) -> bool:
        """Return whether somebody enrolled by one of the registries `names` has consented there to this entry."""
        cpo = entry.origin.partition("/")[0]
        for consent in entry.consents:
            by = self._by_kid.get(consent.signature.kid)
            if by is None or by.role not in CONSENTING_ROLES or by.use is not Use.SIGN or by.party == cpo:
                continue
            if by.revoked_ms is not None and entry.from_ms >= by.revoked_ms:
                continue
            same = names & self._enrolled_by.get(by.kid, names)
            key = PublicKey.from_spki(by.spki)
            if consent.fields == entry.consent_fields() and any(
                consent.verify(key, Domain.CONSENT, name) for name in same
            ):
                return True
        return False

    def _take_handover(self, entry: Entry, statement: Statement) -> Refusal | None:
        old = self._by_kid.get(statement.signature.kid)
        handover = handover_from(statement)
        if old is None or not statement.verify(PublicKey.from_spki(old.spki), Domain.HANDOVER, entry.origin):
            return Refusal("handover_not_signed_by_the_old_key")
        if handover.origin != entry.origin or handover.successor_spki != entry.spki or old.role is not entry.role:
            return Refusal("handover_names_another_key")
        self._handovers[old.kid] = handover
        return None

    def entries(self) -> tuple[Entry, ...]:
        """Return all accepted entries."""
        return tuple(self._by_kid.values())

    def by_kid(self, kid: bytes) -> Entry | None:
        """Return the accepted entry of a key."""
        return self._by_kid.get(kid)

    def signer(self, kid: bytes, origin: str, kind: int, ms: int) -> Entry | Refusal:
        """Return the entry entitled to sign a record of `kind` for `origin` at its time, or why there is none."""
        entry = self._by_kid.get(kid)
        if entry is None:
            return Refusal("unknown_key")
        if not entry.covers(origin):
            return Refusal("key_enrolled_for_another_origin")
        if not entry.may_sign(kind):
            return Refusal("role_may_not_sign_this_kind")
        if ms < entry.from_ms:
            return Refusal("key_not_yet_valid")
        return entry

    def after_handover(self, kid: bytes, stream: int, epoch: int, seq: int, head: bytes) -> bool:
        """Return whether a record at this place was signed by a key that had already handed over.

        `head` is its payload hash: at the place where the key stopped only the record that it named is its own.
        """
        handover = self._handovers.get(kid)
        if handover is None:
            return False
        place = (epoch, seq)
        return not any(
            s == stream and (place < (e, q) or (place == (e, q) and head == last)) for s, e, q, last in handover.heads
        )

    def meters(self, origin: str) -> tuple[Entry, ...]:
        """Return the meters enrolled for a station."""
        return tuple(e for e in self._by_kid.values() if e.role is Role.METER and e.covers(origin))

    def reader_key(self, party: str) -> SealPublicKey | None:
        """Return a party's current, unrevoked sealing key."""
        seals = [e for e in self._by_kid.values() if e.party == party and e.use is Use.SEAL and e.revoked_ms is None]
        if not seals:
            return None
        return SealPublicKey.from_spki(max(seals, key=lambda e: (e.version, e.from_ms)).spki)
