"""What the numbered fields of each group and kind mean (docs/spec/record.md, "Fields")."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from wattseal.base.units import exponent_mantissa
from wattseal.model.billing import TaxShare
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Grade, Source
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import decimal_from, decimal_to_value, optional_from, optional_to_value, present, typed

OBIS_IMPORT = 1
"""1-0:1.8.0, total active import."""
OBIS_EXPORT = 2
"""1-0:2.8.0, total active export."""

_STATUSES = tuple(TokenStatus)


class Identity(Struct, frozen=True, gc=False):
    """Group IDENTITY: the driver's token as presented, and what was shown with it: its kind, and its bytes."""

    id_token: str
    type: str
    shown: tuple[str, bytes] | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present({1: self.id_token, 2: self.type, 3: None if self.shown is None else list(self.shown)})

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Identity":
        """Read the group's fields."""
        value, kind = typed(fields, 1, str, "id_token"), typed(fields, 2, str, "token type")
        if value is None or kind is None:
            raise CborError("identity needs token and type", subject="identity")
        match typed(fields, 3, list, "shown"):
            case None:
                return Identity(value, kind)
            case [str(name), bytes(data)]:
                return Identity(value, kind, (name, data))
        raise CborError("what was shown is [kind, bytes]", subject="identity")


class Meter(Struct, frozen=True, gc=False):
    """Group METER: a register in Wh and what the meter itself signed.

    `unaccounted_wh` and `prev_end` (payload hash of the EVSE's last ended record) carry continuity with the neighbour
    session, in the signer's words.
    """

    register_wh: Decimal
    obis: int = OBIS_IMPORT
    unaccounted_wh: Decimal | None = None
    prev_end: bytes | None = None
    evidence: tuple[tuple[str, bytes], ...] = ()

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: decimal_to_value(self.register_wh),
                2: self.obis,
                3: optional_to_value(self.unaccounted_wh),
                4: self.prev_end,
                5: [list(e) for e in self.evidence] or None,
            }
        )

    def encode(self) -> bytes:
        """Return the group's fields in their encoding; what most readings say, a register alone, without a detour."""
        if self.unaccounted_wh is not None or self.prev_end is not None or self.evidence:
            return dcbor.encode(self.to_fields())
        exponent, mantissa = exponent_mantissa(self.register_wh)
        whole = b"\xa2\x01\x82\x00" if exponent == 0 else b"\xa2\x01\x82" + dcbor.encode(exponent)
        obis = b"\x02\x01" if self.obis == OBIS_IMPORT else b"\x02" + dcbor.encode(self.obis)
        return whole + dcbor.encode(mantissa) + obis

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Meter":
        """Read the group's fields."""
        evidence = []
        for entry in typed(fields, 5, list, "evidence") or []:
            match entry:
                case [str(name), bytes(data)]:
                    evidence.append((name, data))
                case _:
                    raise CborError("evidence is [format, bytes]", subject="evidence")
        return Meter(
            register_wh=decimal_from(fields.get(1), "register_wh"),
            obis=typed(fields, 2, int, "obis") or OBIS_IMPORT,
            unaccounted_wh=optional_from(fields, 3, "unaccounted_wh"),
            prev_end=typed(fields, 4, bytes, "prev_end"),
            evidence=tuple(evidence),
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of group LOAD, in the base unit of its measurand."""

    measurand: str
    value: Decimal
    unit: str
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Group LOAD: power, current, voltage and the like."""

    samples: tuple[Sample, ...]

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return {1: [[s.measurand, s.phase, s.unit, decimal_to_value(s.value)] for s in self.samples]}

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Load":
        """Read the group's fields."""
        samples = []
        for entry in typed(fields, 1, list, "samples") or []:
            match entry:
                case [str(measurand), (str() | None) as phase, str(unit), value]:
                    samples.append(Sample(measurand, decimal_from(value, "sample"), unit, phase))
                case _:
                    raise CborError("a sample is [measurand, phase, unit, value]", subject="samples")
        return Load(tuple(samples))


class Ops(Struct, frozen=True, gc=False):
    """Group OPS: what running the station needs. `station_ms` is the station's own time, Unix milliseconds."""

    transaction_id: str | None = None
    connector_id: int | None = None
    reason: str | None = None
    trigger: str | None = None
    seq_no: int | None = None
    station_ms: int | None = None
    offline: bool | None = None
    route: str | None = None
    evse_id: int | None = None
    nonce: bytes | None = None
    remote_start_id: int | None = None
    charging_state: str | None = None
    charging_s: int | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return {number: value for number, value in enumerate(astuple(self), start=1) if value is not None}

    def encode(self) -> bytes:
        """Return the group's fields in their encoding: numbers ascend already, and are single bytes."""
        encode = dcbor.encode
        told = [_NUMBERS[n] + encode(value) for n, value in enumerate(astuple(self)) if value is not None]
        return _FIELDS[len(told)] + b"".join(told)

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Ops":
        """Read the group's fields; numbers beyond those known are ignored."""
        known = ((number, *_OPS_BY_NUMBER[number]) for number in fields.keys() & _OPS_BY_NUMBER.keys())
        return Ops(**{name: typed(fields, number, kind, name) for number, name, kind in known})


_OPS: dict[str, type] = {
    "transaction_id": str,
    "connector_id": int,
    "reason": str,
    "trigger": str,
    "seq_no": int,
    "station_ms": int,
    "offline": bool,
    "route": str,
    "evse_id": int,
    "nonce": bytes,
    "remote_start_id": int,
    "charging_state": str,
    "charging_s": int,
}
_OPS_BY_NUMBER = dict(enumerate(_OPS.items(), start=1))
_NUMBERS = tuple(dcbor.encode(number) for number in _OPS_BY_NUMBER)
_FIELDS = tuple(bytes([0xA0 | size]) for size in range(len(_OPS) + 1))
"""What a map of so many fields begins with."""


def raw_to_fields(frame: bytes) -> dict[int, Any]:
    """Group RAW: the OCPP frame exactly as received."""
    return {1: frame}


def read_raw(fields: Mapping[int, Any]) -> bytes | None:
    """Read group RAW."""
    value: bytes | None = typed(fields, 1, bytes, "raw")
    return value


class Decision(Struct, frozen=True, gc=False):
    """Public fields of a DECISION record: the billing party's answer to the REQUEST in its refs.

    `reason` is a code: why it is refused, or on what a CPO lets somebody charge at its own risk who is another's
    customer or was not asked about. A decision with one is never the eMSP's word. `identified` says how sure it is who
    charges (a level of OCMF) where more was shown than a number, and a hash of what was.
    """

    status: TokenStatus
    auth_id: bytes
    expires_ms: int
    cap_wh: int | None = None
    reason: str | None = None
    identified: tuple[str, bytes] | None = None

    def to_public(self) -> dict[int, Any]:
        """Return the public fields."""
        status = _STATUSES.index(self.status)
        identified = None if self.identified is None else list(self.identified)
        return present({1: status, 2: self.auth_id, 3: self.expires_ms, 4: self.cap_wh, 5: self.reason, 6: identified})

    @staticmethod
    def read(public: Mapping[int, Any]) -> "Decision":
        """Read the public fields; what is in the place of `identified` in any other shape says nothing."""
        status, auth_id = typed(public, 1, int, "status"), typed(public, 2, bytes, "auth_id")
        expires_ms, cap_wh = typed(public, 3, int, "expires"), typed(public, 4, int, "cap")
        if status is None or not 0 <= status < len(_STATUSES) or auth_id is None or expires_ms is None:
            raise CborError("a decision needs status, auth_id and expiry", subject="decision")
        reason, identified = typed(public, 5, str, "reason"), None
        match public.get(6):
            case [str(level), bytes(reference)] if len(reference) == 32:
                identified = level, reference
        return Decision(_STATUSES[status], auth_id, expires_ms, cap_wh, reason, identified)


class SettlementVerdict(IntEnum):
    """What the eMSP decided on a bundle."""

    ACCEPTED = 0
    DISPUTED = 1


@dataclass(frozen=True, slots=True)
class Settlement:
    """Group OPS of a SETTLEMENT record, sealed to the CPO; refs name the ended record. Money without tax and with.

    `grade` is 0 to 4 with its `source`; a dispute names the failing verification `step` and a `reason` code.
    `taxes` are the parts of the total under each rate, () where the settlement does not say.
    """

    verdict: SettlementVerdict
    energy_wh: Decimal | None
    currency: str | None
    total_excl_vat: Decimal | None
    total_incl_vat: Decimal | None
    grade: int | None
    source: str | None
    step: int | None = None
    reason: str | None = None
    taxes: tuple[TaxShare, ...] = ()

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: int(self.verdict),
                2: optional_to_value(self.energy_wh),
                3: self.currency,
                4: optional_to_value(self.total_excl_vat),
                5: optional_to_value(self.total_incl_vat),
                6: self.grade,
                7: self.source,
                8: self.step,
                9: self.reason,
                10: [_share_to_value(share) for share in self.taxes] or None,
            }
        )

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Settlement":
        """Read the group's fields."""
        verdict = typed(fields, 1, int, "verdict")
        if verdict not in set(SettlementVerdict):
            raise CborError("a settlement accepts or disputes", subject="verdict")
        energy_wh, grade, source = (
            optional_from(fields, 2, "energy_wh"),
            typed(fields, 6, int, "grade"),
            typed(fields, 7, str, "source"),
        )
        if energy_wh is not None and energy_wh < 0:
            raise CborError("energy is not below zero", subject="energy_wh")
        if grade is not None and grade not in set(Grade):
            raise CborError("a grade is 0 to 4", subject="grade")
        if source is not None and source not in set(Source):
            raise CborError("there is no such source of evidence", subject="source")
        return Settlement(
            verdict=SettlementVerdict(verdict),
            energy_wh=energy_wh,
            currency=typed(fields, 3, str, "currency"),
            total_excl_vat=optional_from(fields, 4, "total_excl_vat"),
            total_incl_vat=optional_from(fields, 5, "total_incl_vat"),
            grade=grade,
            source=source,
            step=typed(fields, 8, int, "step"),
            reason=typed(fields, 9, str, "reason"),
            taxes=tuple(_share_from(value) for value in typed(fields, 10, list, "taxes") or ()),
        )


def _share_to_value(share: TaxShare) -> list[Any]:
    percent = None if share.percent is None else decimal_to_value(share.percent)
    return [percent, decimal_to_value(share.net), decimal_to_value(share.tax)]


def _share_from(value: Any) -> TaxShare:
    if type(value) is not list or len(value) != 3:
        raise CborError("a part of the total is its rate, net and tax", subject="taxes")
    percent = None if value[0] is None else decimal_from(value[0], "taxes")
    return TaxShare(percent, decimal_from(value[1], "taxes"), decimal_from(value[2], "taxes"))


STOP_ACTION = "RequestStopTransaction"
"""Action of the COMMAND by which an eMSP has a charge of its own customer stopped."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Group OPS of a COMMAND record: who asked a station for what, or (with `outcome`) what came of it.

    `outcome` is the answer's status word, "answered" where it has none, a CALLERROR code, or one of "offline",
    "timed_out", "busy", "unreadable"; that record refers to the one that asked.
    """

    action: str
    asked_by: str
    version: str
    deadline_ms: int
    outcome: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present({1: self.action, 2: self.asked_by, 3: self.version, 4: self.deadline_ms, 5: self.outcome})

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Ordered":
        """Read the group's fields."""
        action, asked_by = typed(fields, 1, str, "action"), typed(fields, 2, str, "asked_by")
        version, deadline_ms = typed(fields, 3, str, "version"), typed(fields, 4, int, "deadline")
        if action is None or asked_by is None or version is None or deadline_ms is None:
            raise CborError("a command names action, asker, version and deadline", subject="command")
        return Ordered(action, asked_by, version, deadline_ms, typed(fields, 5, str, "outcome"))
