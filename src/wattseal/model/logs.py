"""Logs of stations: asked for, uploaded, how it goes (2.x N01; 1.6 sections 4.4, 5.9 and its whitepaper N01)."""

from msgspec import Struct

from wattseal.model.message import Answer, Command, Fact


class LogParameters(Struct, frozen=True, rename="camel", omit_defaults=True):
    """LogParametersType: where to upload, and the time of interest (RFC 3339 texts)."""

    remote_location: str
    oldest_timestamp: str | None = None
    latest_timestamp: str | None = None


class LogAsked(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """GetLog: `log_type` is DiagnosticsLog, SecurityLog or (2.1) DataCollectorLog."""

    log: LogParameters
    log_type: str
    request_id: int
    retries: int | None = None
    retry_interval: int | None = None


class LogAnswered(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `LogAsked`; `filename` is the station's name for what it will upload."""

    status: str
    filename: str | None = None


class DiagnosticsAsked(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """GetDiagnostics (1.6)."""

    location: str
    retries: int | None = None
    retry_interval: int | None = None
    start_time: str | None = None
    stop_time: str | None = None


class DiagnosticsAnswered(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `DiagnosticsAsked`; without a file name there is nothing to upload."""

    file_name: str | None = None


class LogStatusReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """LogStatusNotification."""

    status: str
    request_id: int | None = None


class DiagnosticsStatusReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """DiagnosticsStatusNotification (1.6), which names no request."""

    status: str
