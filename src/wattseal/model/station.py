"""Stations as enrolled: who they are, what meters they carry, what evidence their sessions must reach."""

from dataclasses import dataclass
from decimal import Decimal

from wattseal.model.verdict import EvidencePin, Grade, Source


@dataclass(frozen=True, slots=True)
class MessageCertificate:
    """A certificate as far as signed messages need it: what identifies it, and its key (DER SPKI).

    `thumbprint` is the SHA-256 of its DER, the value of `x5t#S256` (RFC 7515, 4.1.8). Who issued it and when it expires
    is not looked at: it was enrolled for its station, and counts until it is taken away.
    """

    thumbprint: bytes
    spki: bytes


@dataclass(frozen=True, slots=True)
class BootPolicy:
    """How a station's BootNotification is answered (2.x B01 to B03; 1.6 section 4.2).

    `status` is Accepted, Pending or Rejected; `interval_s` its heartbeat interval, or after which time it tries again,
    None for that of the process.
    """

    status: str = "Accepted"
    interval_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseEnrolment:
    """One EVSE; its readings verify under `meter_public_key` (DER SPKI of the meter's key) and no other.

    `rated_power_w` is what it delivers at most, by its nameplate. With `register_per_session` its register begins anew
    with each session, so that neighbours say nothing of each other. A new `meter_serial` means another meter.
    """

    id: int
    meter_serial: str | None = None
    meter_public_key: bytes | None = None
    rated_power_w: int | None = None
    register_per_session: bool = False


NO_PIN = EvidencePin(Grade.G0, Source.CSMS)
"""Where nothing was pinned: any recorded session may be billed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A charging station's enrolment. `password_digest` is "scrypt$salt$digest" in hex, never the password.

    `public_key` is the DER SPKI of the station's or its edge's signing key: such a station sends signed records.
    `message_certificates` name the keys that sign its OCPP messages (2.x part 4, chapter 7); with `signed_messages` it
    signs all it says, and is sent signed messages. `ephemeral` stations were let in without enrolment, on loopback, for
    development only. `security_profile` (0 to 3, 2.0.1 part 2, 1.3) is the least it may connect with;
    `pending_password_digests` are of passwords that it was told and may use from now on; `certificate_name` is what its
    certificate calls it where that is not its id. A station that was replaced names its `successor` and is not let in.
    `site` is the id of the site it stands on; `fallback_a` is what its EVSEs fall back to instead of the site's.
    """

    id: str
    password_digest: str | None = None
    pin: EvidencePin = NO_PIN
    evses: tuple[EvseEnrolment, ...] = ()
    public_key: bytes | None = None
    message_certificates: tuple[MessageCertificate, ...] = ()
    signed_messages: bool = False
    vendor: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    ephemeral: bool = False
    boot: BootPolicy = BootPolicy()
    security_profile: int = 1
    pending_password_digests: tuple[str, ...] = ()
    certificate_name: str | None = None
    successor: str | None = None
    site: str | None = None
    fallback_a: Decimal | None = None

    def meter_key(self, evse_id: int) -> bytes | None:
        """Return the enrolled meter key of an EVSE; for the station itself (0) the only one there is, if one."""
        keys = [e.meter_public_key for e in self.evses if e.meter_public_key is not None and evse_id in {0, e.id}]
        return keys[0] if len(set(keys)) == 1 else None

    def meter_serial(self, evse_id: int) -> str | None:
        """Return the enrolled meter serial of an EVSE."""
        return next((e.meter_serial for e in self.evses if e.id == evse_id), None)

    def evse(self, evse_id: int) -> EvseEnrolment | None:
        """Return an EVSE's enrolment."""
        for evse in self.evses:
            if evse.id == evse_id:
                return evse
        return None

    def meter_name(self, evse_id: int) -> str | None:
        """Return what tells an EVSE's meter from the one before it: its serial, else its key; None where neither is."""
        evse = self.evse(evse_id)
        if evse is None or evse.meter_serial is not None:
            return None if evse is None else evse.meter_serial
        return None if evse.meter_public_key is None else evse.meter_public_key.hex()[-32:]
