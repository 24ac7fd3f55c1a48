"""Monitoring: what stations watch of themselves, and the events that come of it (2.x block N).

Severity 0 is danger, 9 debugging (2.x part 2, table of N). Times are RFC 3339 texts as told.
"""

from decimal import Decimal

from msgspec import Struct

from wattseal.model.device import Component, Variable
from wattseal.model.message import Answer, Command, Fact

ALERTING = "Alerting"


class Event(Struct, frozen=True, rename="camel", omit_defaults=True):
    """EventDataType; `severity` is told by 2.1 only."""

    event_id: int
    timestamp: str
    trigger: str
    actual_value: str
    component: Component
    variable: Variable
    event_notification_type: str
    cause: int | None = None
    tech_code: str | None = None
    tech_info: str | None = None
    cleared: bool = False
    transaction_id: str | None = None
    variable_monitoring_id: int | None = None
    severity: int | None = None


class EventsReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyEvent: what a station noticed."""

    generated_at: str
    seq_no: int
    event_data: tuple[Event, ...]
    tbc: bool = False


class Monitor(Struct, frozen=True, rename="camel", omit_defaults=True):
    """VariableMonitoringType."""

    id: int
    transaction: bool
    value: Decimal
    type: str
    severity: int
    event_notification_type: str | None = None


class MonitoredVariable(Struct, frozen=True, rename="camel", omit_defaults=True):
    """MonitoringDataType: a variable and its monitors."""

    component: Component
    variable: Variable
    variable_monitoring: tuple[Monitor, ...]


class MonitorsReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyMonitoringReport: part `seq_no` of the report asked for with `request_id`."""

    request_id: int
    generated_at: str
    seq_no: int
    monitor: tuple[MonitoredVariable, ...] = ()
    tbc: bool = False


class MonitorWanted(Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetMonitoringDataType."""

    value: Decimal
    type: str
    severity: int
    component: Component
    variable: Variable
    id: int | None = None
    transaction: bool = False
    periodic_event_stream: dict[str, object] | None = None


class MonitorsSet(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetVariableMonitoring (2.x N04)."""

    set_monitoring_data: tuple[MonitorWanted, ...]


class MonitorResult(Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetMonitoringResultType; `id` is the monitor's where it was set."""

    status: str
    type: str
    severity: int
    component: Component
    variable: Variable
    id: int | None = None


class MonitorsAnswered(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `MonitorsSet`."""

    set_monitoring_result: tuple[MonitorResult, ...]


class MonitorsClear(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """ClearVariableMonitoring (2.x N06)."""

    id: tuple[int, ...]


class ClearResult(Struct, frozen=True, rename="camel", omit_defaults=True):
    """ClearMonitoringResultType."""

    status: str
    id: int


class MonitorsCleared(Answer, Struct, frozen=True, rename="camel", omit_defaults=True):
    """The answer to `MonitorsClear`."""

    clear_monitoring_result: tuple[ClearResult, ...]


class StreamParams(Struct, frozen=True, rename="camel", omit_defaults=True):
    """PeriodicEventStreamParamsType (2.1): a message after `interval` seconds or so many `values`."""

    interval: int | None = None
    values: int | None = None


class StreamData(Struct, frozen=True, rename="camel", omit_defaults=True):
    """ConstantStreamDataType (2.1): a stream of the values of one monitor."""

    id: int
    params: StreamParams
    variable_monitoring_id: int


class StreamOpened(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """OpenPeriodicEventStream (2.1 N11)."""

    constant_stream_data: StreamData


class StreamClosed(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """ClosePeriodicEventStream (2.1 N12)."""

    id: int


class StreamElement(Struct, frozen=True, rename="camel", omit_defaults=True):
    """StreamDataElementType: a value, `t` seconds after the base time."""

    t: Decimal
    v: str


class StreamReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyPeriodicEventStream (2.1 N15), sent without an answer; `pending` values still wait at the station."""

    id: int
    pending: int
    basetime: str
    data: tuple[StreamElement, ...]


class StreamAdjusted(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """AdjustPeriodicEventStream (2.1 N14)."""

    id: int
    params: StreamParams


class KeptEvent(Struct, frozen=True, omit_defaults=True):
    """Document: an event, when it came, and its severity where that is known."""

    station_id: str
    at_ms: int
    event: Event
    severity: int | None = None


class KeptMonitor(Struct, frozen=True, omit_defaults=True):
    """Document: a monitor as it was set or reported."""

    station_id: str
    at_ms: int
    component: Component
    variable: Variable
    monitor: Monitor


class KeptLevel(Struct, frozen=True, omit_defaults=True):
    """Document: which monitors are set at a station, and from which severity on it tells; None where not known."""

    station_id: str
    at_ms: int
    base: str | None = None
    level: int | None = None


class KeptStream(Struct, frozen=True):
    """Document: a stream and its latest values, each with its time in seconds after its base time."""

    station_id: str
    opened_ms: int
    open: bool
    stream: StreamData
    latest: tuple[tuple[str, str, str], ...] = ()
    """(base time, seconds after it, value), oldest first."""
