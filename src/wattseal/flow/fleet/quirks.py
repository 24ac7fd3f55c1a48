"""Where what is known of a model (rules.quirks) takes effect: on commands before they are sent, and on billing."""

from dataclasses import replace

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.flow.memory import Memory
from wattseal.model.charging import Purpose
from wattseal.model.charging_orders import SetProfile
from wattseal.model.message import Command
from wattseal.model.remote import StartRequested
from wattseal.model.station import Station
from wattseal.model.verdict import Finding
from wattseal.rules.quirks import effects_of
from wattseal.rules.quirks.quirk import Effect


def effects(station: Station) -> frozenset[Effect]:
    """Return what is done about a station's quirks."""
    return effects_of(station.vendor, station.model, station.firmware)


def adapt(memory: Memory, command: Command) -> Command:
    """Return a command as this station's model takes it; `InputError` where it can be put in no way that it takes."""
    match command:
        case StartRequested(evse_id=None) if Effect.NAME_AN_EVSE in effects(memory.station):
            return replace(command, evse_id=_free_evse(memory))
        case SetProfile(evse_id=0) if Effect.NO_STATION_MAX_PROFILE in effects(memory.station):
            return _as_default(memory, command)
        case _:
            return command


def notes(station: Station) -> tuple[Finding, ...]:
    """Return what is to be noted about every session of a station."""
    if station.vendor is not None and Effect.REGISTER_UNIT_DOUBTFUL in effects(station):
        return (Finding("register_unit_doubtful", "register"),)
    return ()


def _free_evse(memory: Memory) -> EvseId:
    known = sorted({*(evse.id for evse in memory.station.evses), *memory.statuses} - {0}) or [1]
    waiting = [evse for evse in known if memory.statuses.get(evse) == "Occupied"]
    free = [evse for evse in known if memory.statuses.get(evse) in {None, "Available"}]
    taken = {live.transaction.evse_id for live in memory.live.values()}
    return EvseId(next((evse for evse in (*waiting, *free) if evse not in taken), known[0]))


def _as_default(memory: Memory, command: SetProfile) -> SetProfile:
    if command.profile.purpose is not Purpose.STATION_MAX:
        return command
    if len({*(evse.id for evse in memory.station.evses), *memory.statuses} - {0}) > 1:
        text = "this model takes no limit for the whole station; set one for each EVSE"
        raise InputError(text, code="no_station_limit", subject="evse_id")
    return replace(command, evse_id=1, profile=replace(command.profile, purpose=Purpose.TX_DEFAULT))
