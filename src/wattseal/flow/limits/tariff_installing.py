"""Keeping 2.1 stations at the tariff that applies to them (I07): installed as their default whenever that changes.

A version is installed under an id of its own, the tariff's and the first letters of its record's hash, so that no
station ever holds two contents for one id.
"""

from dataclasses import dataclass, field

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Declined, Done
from wattseal.flow.money.tariffs import tariff_by_record, tariff_for
from wattseal.flow.world import World
from wattseal.model.message import Asked
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.message import Payload
from wattseal.wire.ocpp.tariffs import lower_tariff
from wattseal.wire.ocpp.version import Version

ALL_EVSES = 0
_DEADLINE_S = 30.0
_AGAIN_MS = 600_000
_SUFFIX = 8
_UNKNOWN = frozenset({"NotImplemented", "NotSupported"})


@dataclass(slots=True)
class Installed:
    """What stations were given: the record and the id it has there ("" for one that OCPP cannot say), by station.

    `deaf` are those that know no tariffs; `not_before_ms` is when to try one again that did not answer, or with an
    error. After a restart all are told anew.
    """

    given: dict[str, tuple[str, str]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    not_before_ms: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    """A command for a station whose tariff has changed; `record` None takes away what it has."""

    station_id: str
    record: str | None
    tariff_id: str
    command: Asked


async def due(world: World, installed: Installed) -> tuple[Due, ...]:
    """Return what connected 2.1 stations are to be told; `installed` learns of tariffs that OCPP cannot say."""
    found = []
    for memory in tuple(world.stations.values()):
        station = memory.station
        if station.id in installed.deaf or world.lines.version(StationId(station.id)) is not Version.V21:
            continue
        now_ms = world.now_ms()
        if installed.not_before_ms.get(station.id, 0) > now_ms:
            continue
        now = await tariff_for(world, station, None, now_ms)
        record, known = (None if now is None else now.record), installed.given.get(station.id)
        if record == (None if known is None else known[0]):
            continue
        if now is None:
            assert known is not None  # noqa: S101 - else both were None
            if known[1]:
                found.append(Due(station.id, None, "", Asked("ClearTariffs", {"tariffIds": [known[1]]})))
            else:
                del installed.given[station.id]
            continue
        tariff_id = f"{now.tariff_id}~{now.record[:_SUFFIX]}"
        lowered = await _lowered(world, now.record, tariff_id)
        if lowered is None:
            world.count("tariff_not_expressible")
            installed.given[station.id] = (now.record, "")
            continue
        command = Asked("SetDefaultTariff", {"evseId": ALL_EVSES, "tariff": lowered})
        found.append(Due(station.id, now.record, tariff_id, command))
    return tuple(found)


async def install(world: World, installed: Installed, one: Due) -> None:
    """Send it; a station that refuses keeps what it has until the next change, one that is gone is told later."""
    principal = Principal(world.tenant, "system", frozenset(), frozenset({"*"}))
    outcome = await commands.send(world, principal, StationId(one.station_id), one.command, _DEADLINE_S)
    match outcome:
        case Done() if one.record is None:
            installed.given.pop(one.station_id, None)
        case Done() if one.record is not None:
            accepted = getattr(outcome.answer, "status", None) == "Accepted"
            installed.given[one.station_id] = (one.record, one.tariff_id if accepted else "")
            if not accepted:
                world.count("tariff_refused_by_station")
        case Declined(code=code) if code in _UNKNOWN:
            installed.deaf.add(one.station_id)
        case _:
            installed.not_before_ms[one.station_id] = world.now_ms() + _AGAIN_MS


async def _lowered(world: World, record: str, tariff_id: str) -> Payload | None:
    tariff = await tariff_by_record(world, record)
    if tariff is None:
        return None
    try:
        return lower_tariff(tariff) | {"tariffId": tariff_id}
    except InputError:
        return None
