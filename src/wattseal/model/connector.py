"""Connectors as stations tell of them: their state, and what was asked of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectorState:
    """Document: the state of a connector; EVSE 0 is the station, connector 0 the whole EVSE.

    `status` is a word of 2.x, `detail` the one of 1.6 (Preparing, Charging, ...). `since_ms` is when it was first told
    here, `at_ms` the station's time, None where it told none. The error fields are 1.6's.
    """

    evse_id: int
    connector_id: int
    status: str
    since_ms: int
    detail: str | None = None
    at_ms: int | None = None
    error_code: str | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None

    def same_as(self, other: "ConnectorState | None") -> bool:
        """Return whether `other` tells the same, whenever it told it."""
        return other is not None and _said(self) == _said(other)


def _said(state: ConnectorState) -> tuple[str | None, ...]:
    return (state.status, state.detail, state.error_code, state.info, state.vendor_id, state.vendor_error_code)


@dataclass(frozen=True, slots=True)
class ServiceOrder:
    """Document: what was last asked by ChangeAvailability of a station, EVSE or connector, and what it answered.

    `answer` is Accepted, Rejected or Scheduled (once the transaction there has ended).
    """

    evse_id: int
    connector_id: int | None
    operational: bool
    answer: str
    at_ms: int
    asked_by: str
