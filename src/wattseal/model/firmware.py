"""Firmware: to update or publish it, and how that goes (2.x block L; 1.6 section 5.19 and its whitepaper L01)."""

from msgspec import Struct

from wattseal.model.message import Command, Fact


class Firmware(Struct, frozen=True, rename="camel", omit_defaults=True):
    """FirmwareType; times are RFC 3339 texts, the certificate is PEM, the signature base64."""

    location: str
    retrieve_date_time: str
    install_date_time: str | None = None
    signing_certificate: str | None = None
    signature: str | None = None


class FirmwareUpdate(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """UpdateFirmware; 1.6 knows no request id, installation time or signature."""

    firmware: Firmware
    request_id: int | None = None
    retries: int | None = None
    retry_interval: int | None = None


class SignedFirmwareUpdate(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SignedUpdateFirmware (1.6 security whitepaper)."""

    firmware: Firmware
    request_id: int
    retries: int | None = None
    retry_interval: int | None = None


class FirmwarePublication(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """PublishFirmware (2.x L03): a local controller fetches firmware and offers it; `checksum` is MD5 in hex."""

    location: str
    checksum: str
    request_id: int
    retries: int | None = None
    retry_interval: int | None = None


class FirmwareWithdrawal(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """UnpublishFirmware (2.x L04)."""

    checksum: str


class FirmwareStatusReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """FirmwareStatusNotification; the plain one of 1.6 names no request."""

    status: str
    request_id: int | None = None


class SignedFirmwareStatusReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SignedFirmwareStatusNotification (1.6 security whitepaper)."""

    status: str
    request_id: int | None = None


class PublishStatusReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """PublishFirmwareStatusNotification; `location` is where it is offered once published."""

    status: str
    request_id: int | None = None
    location: tuple[str, ...] = ()
