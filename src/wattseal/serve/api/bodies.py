"""What the HTTP API takes and gives: shapes, and their translation from and to the domain."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from wattseal.base.errors import InputError
from wattseal.crypto.curves import parse_public_key
from wattseal.crypto.keys import PublicKey
from wattseal.crypto.message_keys import read_message_certificate
from wattseal.crypto.spki import read_spki
from wattseal.model.station import BootPolicy, EvseEnrolment, Station
from wattseal.model.token import AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import EvidencePin, Finding, Grade, Source
from wattseal.rules.vehicle import word_of_vehicle
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.serve.api.amounts import Amount, decimal_of

MAX_CERTIFICATES = 4
"""Certificates for a station's signed messages: the one in use, those before and after it."""
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body: unknown fields are refused, so that a misspelt one is not silently ignored."""


class PinBody(Body, frozen=True, kw_only=True):
    """The evidence a station's sessions must reach."""

    grade: Literal["G0", "G1", "G2", "G3", "G4"]
    source: Source


class EvseBody(Body, frozen=True, kw_only=True):
    """One EVSE; the meter's key as PEM, or DER in hex or base64.

    `rated_power_w` is what it delivers at most. With `register_per_session` its register begins anew with each session.
    """

    id: Annotated[int, msgspec.Meta(ge=1, le=9999)]
    meter_serial: ShortText | None = None
    meter_public_key: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    rated_power_w: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] | None = None
    register_per_session: bool = False

    def enrolment(self) -> EvseEnrolment:
        """Return it."""
        key = None if self.meter_public_key is None else _meter_key(self.meter_public_key)
        return EvseEnrolment(
            id=self.id,
            meter_serial=self.meter_serial,
            meter_public_key=key,
            rated_power_w=self.rated_power_w,
            register_per_session=self.register_per_session,
        )


class BootBody(Body, frozen=True, kw_only=True):
    """How a station's BootNotification is answered; without `interval_s` the interval is that of the process."""

    status: Literal["Accepted", "Pending", "Rejected"] = "Accepted"
    interval_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None


class StationBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/stations`. A password is text or, for binary ones (OCPP 1.6), hex; certificates are PEM.

    What is left out stays what it was. `security_profile` is the least the station may connect with, 1 at first.
    `certificate_name` is the CN or serialNumber in its certificate where that is not its id. `fallback_a` is what its
    EVSEs fall back to when a limit ends, in amperes of each phase, instead of its site's; 0 is nothing.
    """

    id: ShortText
    password: str | None = None
    password_hex: str | None = None
    evidence_pin: PinBody | None = None
    evses: Annotated[list[EvseBody], msgspec.Meta(max_length=256)] | None = None
    station_public_key: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    message_certificates: (
        Annotated[list[Annotated[str, msgspec.Meta(max_length=8192)]], msgspec.Meta(max_length=MAX_CERTIFICATES)] | None
    ) = None
    signed_messages: bool | None = None
    security_profile: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    certificate_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    boot: BootBody | None = None
    site: ShortText | None = None
    fallback_a: Amount | None = None

    @property
    def needs_password(self) -> bool:
        """Whether it cannot connect without a password and none is given: at profile 0 and 3 there may be none."""
        return self.password is None and self.password_hex is None and self.security_profile not in {0, 3}

    def password_bytes(self) -> bytes | None:
        """Return the password; both spellings at once, or hex that is none, is an `InputError`."""
        if self.password is not None and self.password_hex is not None:
            raise InputError("give password or password_hex, not both", subject="password")
        if self.password_hex is None:
            return None if self.password is None else self.password.encode()
        try:
            return bytes.fromhex(self.password_hex)
        except ValueError as error:
            text = "password_hex is pairs of hexadecimal digits; text goes into password"
            raise InputError(text, subject="password_hex") from error

    def station(self, before: Station | None = None) -> Station:
        """Return the enrolment, which was `before`; a key that cannot be used is an `InputError` naming the field."""
        known = before or Station(id=self.id)
        pin, evses, certificates = self.evidence_pin, self.evses, self.message_certificates
        if evses is not None and len({evse.id for evse in evses}) != len(evses):
            raise InputError("each EVSE is listed once", subject="evses")
        changed = replace(
            known,
            ephemeral=False,
            pin=known.pin if pin is None else EvidencePin(Grade[pin.grade], pin.source),
            evses=known.evses if evses is None else tuple(evse.enrolment() for evse in evses),
            public_key=known.public_key if self.station_public_key is None else _station_key(self.station_public_key),
            message_certificates=known.message_certificates
            if certificates is None
            else tuple(read_message_certificate(text.encode()) for text in certificates),
            signed_messages=known.signed_messages if self.signed_messages is None else self.signed_messages,
            security_profile=known.security_profile if self.security_profile is None else self.security_profile,
            certificate_name=self.certificate_name or known.certificate_name,
            boot=known.boot if self.boot is None else BootPolicy(self.boot.status, self.boot.interval_s),
            site=self.site or known.site,
            fallback_a=known.fallback_a if self.fallback_a is None else decimal_of(self.fallback_a),
        )
        if changed.signed_messages and not changed.message_certificates:
            raise InputError("signed_messages needs message_certificates to check them", subject="signed_messages")
        return changed


class GroupBody(Body, frozen=True, kw_only=True):
    """The group of tokens that may stop each other's transactions: 1.6 parentIdTag, 2.x groupIdToken."""

    id_token: ShortText
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "Central"


class AllowedBody(Body, frozen=True, kw_only=True):
    """A station where a token may be used, at these EVSEs or, without any, at all of them."""

    station_id: ShortText
    evse_ids: Annotated[list[Annotated[int, msgspec.Meta(ge=1, le=9999)]], msgspec.Meta(max_length=256)] = []


class TokenStatusBody(Body, frozen=True, kw_only=True):
    """A token that is enrolled, and its status from now on."""

    id_token: ShortText
    status: TokenStatus


class TokenBody(Body, frozen=True, kw_only=True):
    """`POST /api/v1/tokens`. `party` names the eMSP that decides; without one the CPO decides by `status`.

    `account` is who pays for what the CPO decides on.

    After `expires_at` it is Expired. With `evses` it may be used there and nowhere else. `message` is shown to the
    driver, `language` an RFC 5646 tag.
    """

    id_token: ShortText
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
    status: TokenStatus
    party: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    group: GroupBody | None = None
    language: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9-]{2,8}\Z")] | None = None
    evses: Annotated[list[AllowedBody], msgspec.Meta(max_length=256)] = []
    priority: Annotated[int, msgspec.Meta(ge=-9, le=9)] | None = None
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=512)] | None = None
    account: Annotated[str, msgspec.Meta(min_length=1, max_length=36)] | None = None

    def token(self) -> TokenRecord:
        """Return the token."""
        return TokenRecord(
            IdToken(self.id_token, self.type),
            self.status,
            self.party,
            None if self.expires_at is None else self.expires_at.astimezone(UTC),
            None if self.group is None else IdToken(self.group.id_token, self.group.type),
            self.language,
            tuple(AllowedAt(allowed.station_id, tuple(allowed.evse_ids)) for allowed in self.evses),
            self.priority,
            self.message,
            self.account,
        )


class CardKeyBody(Body, frozen=True, kw_only=True):
    """`PUT /api/v1/tokens/card-key`: PEM, base64 or hex of a P-256 or Ed25519 public key; null for none."""

    id_token: ShortText
    public_key: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)] | None

    def spki(self) -> bytes | None:
        """Return the key."""
        return None if self.public_key is None else _public_key(self.public_key, "public_key")


def _meter_key(text: str) -> bytes:
    try:
        return parse_public_key(read_spki(text.encode())).spki()
    except InputError as error:
        raise InputError(str(error), code=error.code, subject="meter_public_key") from error


def _station_key(text: str) -> bytes:
    return _public_key(text, "station_public_key")


def _public_key(text: str, field: str) -> bytes:
    try:
        return PublicKey.from_spki(read_spki(text.encode())).spki
    except InputError as error:
        raise InputError(str(error), code=error.code, subject=field) from error


def station_view(station: Station, *, connection: dict[str, Any] | None, statuses: dict[int, str]) -> dict[str, Any]:
    """Return a station as the API shows it: never its password."""
    return {
        "id": station.id,
        "connected": connection is not None,
        "connection": connection,
        "evidence_pin": {"grade": station.pin.grade.name, "source": station.pin.source.value},
        "evses": [
            {
                "id": evse.id,
                "meter_serial": evse.meter_serial,
                "meter_public_key": None if evse.meter_public_key is None else evse.meter_public_key.hex(),
                "rated_power_w": evse.rated_power_w,
                "register_per_session": evse.register_per_session,
                "status": statuses.get(evse.id),
            }
            for evse in station.evses
        ],
        "message_certificates": [found.thumbprint.hex() for found in station.message_certificates],
        "signed_messages": station.signed_messages,
        "station_public_key": None if station.public_key is None else station.public_key.hex(),
        "vendor": station.vendor,
        "model": station.model,
        "serial": station.serial,
        "firmware": station.firmware,
        "security_profile": station.security_profile,
        "certificate_name": station.certificate_name,
        "boot": {"status": station.boot.status, "interval_s": station.boot.interval_s},
        "site": station.site,
        "fallback_a": None if station.fallback_a is None else float(station.fallback_a),
    }


def token_view(token: TokenRecord) -> dict[str, Any]:
    """Return a token as the API shows it."""
    group = token.group
    return {
        "id_token": token.id_token.value,
        "type": token.id_token.type,
        "status": token.status.value,
        "party": token.party,
        "expires_at": token.expires_at,
        "group": None if group is None else {"id_token": group.value, "type": group.type},
        "language": token.language,
        "evses": [{"station_id": a.station_id, "evse_ids": list(a.evse_ids)} for a in token.evses],
        "priority": token.priority,
        "message": token.message,
        "account": token.account,
        "card_key": None if token.card_key is None else base64.b64encode(token.card_key).decode(),
    }


def transaction_view(
    transaction: Transaction,
    grade: Grade | None,
    standing: tuple[Billing, str | None],
    settlement: Settlement | None,
    *,
    reads_energy: bool,
) -> dict[str, Any]:
    """Return a transaction: energy null where it is sealed from this CPO or from the caller."""
    sealed = transaction.sealed or not reads_energy
    energy = None if sealed else transaction.energy_wh
    return {
        "id": transaction.id,
        "station_id": transaction.station_id,
        "transaction_id": transaction.transaction_id,
        "evse_id": transaction.place,
        "connector_id": transaction.connector_id,
        "active": transaction.active,
        "charging_state": transaction.charging_state,
        "charging_s": transaction.charging_s,
        "remote_start_id": transaction.remote_start_id,
        "started_at_ms": transaction.started_ms,
        "ended_at_ms": transaction.ended_ms,
        "stop_reason": transaction.stop_reason,
        "energy_wh": _text(energy),
        "start_wh": None if sealed else _text(transaction.start_wh),
        "end_wh": None if sealed else _text(transaction.end_wh),
        "sealed": sealed,
        "grade": None if grade is None else grade.name,
        "source": transaction.source.value,
        "vehicle": word_of_vehicle(transaction),
        "identity_level": transaction.identity_level,
        "identified": transaction.identified,
        "authorization": transaction.authorization,
        "party": transaction.party,
        "verdicts": [
            {"record": v.record, "format": v.format, "verdict": v.verdict.value, "reason": v.reason}
            for v in transaction.verdicts
        ],
        "findings": [_note(note, detail=reads_energy) for note in transaction.findings],
        "alarms": [_note(note, detail=reads_energy) for note in transaction.alarms],
        "billing": standing[0].value,
        "billing_reason": standing[1],
        "ruled": transaction.ruled,
        "settlement": None if settlement is None or not reads_energy else _settlement_view(settlement),
        "records": {
            "request": transaction.request,
            "decision": transaction.decision,
            "started": transaction.started,
            "ended": transaction.ended,
            "settlement": transaction.settlement,
            "ruling": transaction.ruling,
        },
    }


def _settlement_view(settlement: Settlement) -> dict[str, Any]:
    return {
        "accepted": settlement.verdict is SettlementVerdict.ACCEPTED,
        "energy_wh": _text(settlement.energy_wh),
        "currency": settlement.currency,
        "total_excl_vat": _text(settlement.total_excl_vat),
        "total_incl_vat": _text(settlement.total_incl_vat),
        "grade": None if settlement.grade is None else Grade(settlement.grade).name,
        "source": settlement.source,
        "step": settlement.step,
        "reason": settlement.reason,
    }


def _note(note: Finding, *, detail: bool) -> dict[str, str]:
    """Return a note; its detail may tell registers."""
    return {"code": note.code, "field": note.field, "detail": note.detail if detail else ""}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
