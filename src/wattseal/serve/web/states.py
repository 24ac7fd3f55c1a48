"""In what state stations are, in a word: from what their connections and their memories say, nothing is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from wattseal.base.ids import StationId
from wattseal.flow.live import Live
from wattseal.flow.memory import Memory
from wattseal.serve.api.service import Link, Service
from wattseal.serve.web.texts import marked as _


class State(StrEnum):
    """What a station does at present."""

    FAULTED = "faulted"
    OFFLINE = "offline"
    CHARGING = "charging"
    OCCUPIED = "occupied"
    UNAVAILABLE = "unavailable"
    AVAILABLE = "available"


WORDS: Mapping[State, str] = {
    State.FAULTED: _("Faulted"),
    State.OFFLINE: _("Offline"),
    State.CHARGING: _("Charging"),
    State.OCCUPIED: _("Occupied"),
    State.UNAVAILABLE: _("Out of service"),
    State.AVAILABLE: _("Available"),
}
"""Each state in words, the one that needs somebody first."""
SIGNS: Mapping[State, str] = {
    State.FAULTED: "!",
    State.OFFLINE: "\u00d7",
    State.CHARGING: "\u26a1\ufe0e",
    State.OCCUPIED: "\u25d1",
    State.UNAVAILABLE: "\u2013",
    State.AVAILABLE: "\u2713",
}
"""Beside the colour, for those who do not see it."""
CONNECTORS: Mapping[str, str] = {
    "Available": _("Available"),
    "Occupied": _("Occupied"),
    "Reserved": _("Reserved"),
    "Unavailable": _("Out of service"),
    "Faulted": _("Faulted"),
}
"""What 2.x says of a connector, in words."""


@dataclass(frozen=True, slots=True)
class Now:
    """A station at this moment: `evses` are the statuses last told, `live` its open sessions by EVSE."""

    state: State
    link: Link | None
    evses: Mapping[int, str]
    live: Mapping[int, Live]


def now_of(service: Service, station_id: str) -> Now:
    """Return what is known of a station at this moment."""
    link = service.link(StationId(station_id))
    memory = service.world.stations.get(StationId(station_id))
    evses = {} if memory is None else {evse: status for evse, status in sorted(memory.statuses.items()) if evse}
    live = {} if memory is None else _live(memory)
    return Now(_state(link, {} if memory is None else memory.statuses, live), link, evses, live)


def _live(memory: Memory) -> dict[int, Live]:
    return {live.transaction.place: live for live in memory.live.values() if live.transaction.active}


def _state(link: Link | None, statuses: Mapping[int, str], live: Mapping[int, Live]) -> State:
    if link is None:
        return State.OFFLINE
    if "Faulted" in statuses.values():
        return State.FAULTED
    if live:
        return State.CHARGING
    told = {status for evse, status in statuses.items() if evse}
    if statuses.get(0) == "Unavailable" or told == {"Unavailable"}:
        return State.UNAVAILABLE
    return State.OCCUPIED if told & {"Occupied", "Reserved"} else State.AVAILABLE


def power_w(live: Live) -> Decimal | None:
    """Return what a session charges with, as the station told it last with a register; None where it told none."""
    return None if live.power is None else Decimal(live.power.last_w)


def mean_power_w(live: Live) -> Decimal | None:
    """Return what a session came to on average from its start to its latest register; None where nothing says it."""
    told = live.transaction
    if live.highest_wh is None or told.start_wh is None or told.started_ms is None or live.read_ms is None:
        return None
    passed_ms = live.read_ms - told.started_ms
    return (live.highest_wh - told.start_wh) * 3_600_000 / passed_ms if passed_ms > 0 else None
