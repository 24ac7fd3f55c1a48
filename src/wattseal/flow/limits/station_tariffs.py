"""Tariffs at stations that compute costs themselves (2.1 I07 to I11): what was installed, and sending ours.

What such a station shows a driver is its own sum. Bills follow the tariff that the charge's decision names.
"""

from dataclasses import dataclass
from typing import Any

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read
from wattseal.flow.money.tariffs import tariff_by_record, tariff_for
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.message import Asked, Replied
from wattseal.model.station import Station
from wattseal.model.tariff import Tariff

STATION_TARIFF = "station_tariff"
DEFAULT, DRIVER, TRANSACTION = "DefaultTariff", "DriverTariff", "transaction"
MAX_TARIFFS = 200


@dataclass(frozen=True, slots=True)
class StationTariff:
    """Document: a tariff at a station, at these EVSEs (none: all) or for one transaction."""

    station_id: str
    tariff_id: str
    kind: str
    at_ms: int
    evse_ids: tuple[int, ...] = ()
    transaction_id: str | None = None


async def tariff_at(world: World, station: Station) -> Tariff | None:
    """Return the tariff that a driver nothing is known of charges under at a station now."""
    found = await tariff_for(world, station, None, world.now_ms())
    return None if found is None else await tariff_by_record(world, found.record)


async def ours(world: World, station: Station) -> Tariff:
    """Return the tariff that applies at a station; without one there is nothing to install (`no_tariff`)."""
    tariff = await tariff_at(world, station)
    if tariff is None:
        raise InputError("no tariff applies at this station; assign one first", code="no_tariff", subject="tariff")
    return tariff


async def _default(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status == "Accepted":
        tariff: Any = command.content["tariff"]
        evse_id: Any = command.content["evseId"]
        evses = (int(evse_id),) if evse_id else ()
        for kept in await tariffs_of(answered.world, StationId(answered.station_id)):
            if kept.kind == DEFAULT and evses in {(), kept.evse_ids}:
                _keep(answered.step, kept.tariff_id, DEFAULT, kept.evse_ids, active=False)
        _keep(answered.step, str(tariff["tariffId"]), DEFAULT, evses)


async def _got(answered: Answered, command: Asked, answer: Replied) -> None:
    """Take the station's word for what is installed where it was asked about."""
    if answer.status not in {"Accepted", "NoTariff"}:
        return
    evse_id: Any = command.content["evseId"]
    step = answered.step
    for kept in await tariffs_of(answered.world, StationId(answered.station_id)):
        if kept.kind != TRANSACTION and (evse_id == 0 or kept.evse_ids in {(), (evse_id,)}):
            _keep(step, kept.tariff_id, kept.kind, kept.evse_ids, active=False)
    assignments: Any = answer.content.get("tariffAssignments", ())
    for one in assignments:
        _keep(step, str(one["tariffId"]), str(one["tariffKind"]), tuple(one.get("evseIds", ())))


async def _cleared(answered: Answered, command: Asked, answer: Replied) -> None:
    del command
    results: Any = answer.content["clearTariffsResult"]
    gone = {one.get("tariffId") for one in results if one["status"] in {"Accepted", "NoTariff"}}
    for kept in await tariffs_of(answered.world, StationId(answered.station_id)):
        if kept.kind == DEFAULT and kept.tariff_id in gone:
            _keep(answered.step, kept.tariff_id, DEFAULT, kept.evse_ids, active=False)


async def _changed(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status == "Accepted":
        tariff: Any = command.content["tariff"]
        transaction_id = str(command.content["transactionId"])
        _keep(answered.step, str(tariff["tariffId"]), TRANSACTION, (), transaction_id=transaction_id)


async def tariffs_of(world: World, station_id: StationId) -> tuple[StationTariff, ...]:
    """Return the tariffs at a station."""
    page = await world.journal.documents(
        world.tenant, STATION_TARIFF, station_id=station_id, active=True, limit=MAX_TARIFFS
    )
    return tuple(read(document, StationTariff) for document in page)


def _keep(
    step: Step,
    tariff_id: str,
    kind: str,
    evse_ids: tuple[int, ...],
    *,
    transaction_id: str | None = None,
    active: bool = True,
) -> None:
    kept = StationTariff(step.station_id, tariff_id, kind, step.now_ms, evse_ids, transaction_id)
    place = transaction_id or ",".join(f"{evse_id:04d}" for evse_id in evse_ids) or "all"
    key = f"{step.station_id.casefold()}/{kind}/{place}/{tariff_id}"
    step.puts.append(put(STATION_TARIFF, key, kept, step.now_ms, station_id=step.station_id, active=active))


EFFECTS: Effects = {
    "SetDefaultTariff": _default,
    "GetTariffs": _got,
    "ClearTariffs": _cleared,
    "ChangeTransactionTariff": _changed,
}
