"""Local lists brought up to date: in as few messages as a station's limits allow, whole again where it has drifted."""

from dataclasses import dataclass, replace

from msgspec import DecodeError, json

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.commands import Declined, Done, Outcome, Unanswered, find_station, send, send_payload
from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.drivers.local_lists import digest, keep_list, listed, wanted
from wattseal.flow.ports import Silence
from wattseal.flow.stations.device_model import component_of
from wattseal.flow.world import World
from wattseal.model.device import Component
from wattseal.model.local_list import (
    Limits,
    ListPolicy,
    ListStatus,
    ListVersionRequested,
    LocalList,
)
from wattseal.model.principal import Principal
from wattseal.model.remote import Responded
from wattseal.rules.local_lists import ITEMS_PER_MESSAGE, changes, messages
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.version import Version

DEADLINE_S = 20.0
MAX_VERSION = 2**31 - 1
_COMPONENT = "LocalAuthListCtrlr"
_KEYS = ("SendLocalListMaxLength", "LocalAuthListMaxLength")


async def set_policy(world: World, station_id: StationId, policy: ListPolicy) -> LocalList:
    """Choose which tokens go on a station's list; the next synchronisation acts on it."""
    memory = await find_station(world, station_id)
    known = await find_list(world, memory.station.id)
    known = await keep_list(world, replace(known, policy=policy))
    (await listed(world))[StationId(memory.station.id)] = policy
    return known


async def sync(
    world: World, principal: Principal, station_id: StationId, *, full: bool = False, check: bool = True
) -> tuple[Outcome | None, LocalList]:
    """Bring a station's list up to date; return the last outcome (None: nothing was to be sent) and the list.

    With `check` the station is asked for its version first: where it is not the one given here, or a change is refused,
    the whole list is sent once (D01.FR.03).
    """
    memory = await find_station(world, station_id)
    spoken = world.lines.version(StationId(memory.station.id))
    if spoken is None:
        return Unanswered("SendLocalList", Silence.OFFLINE, None), await find_list(world, memory.station.id)
    sender = _Sender(world, principal, StationId(memory.station.id), spoken)
    if sender.station_id in world.syncing:
        raise InputError("this list is being synchronised; wait until that is over", code="sync_under_way")
    world.syncing[sender.station_id] = await find_list(world, sender.station_id)
    try:
        outcome, known = await sender.sync(full=full, check=check)
    finally:
        left = world.syncing.pop(sender.station_id, None)
        if left is not None:
            await keep_list(world, left)
    return outcome, known


@dataclass(frozen=True, slots=True)
class _Sender:
    world: World
    principal: Principal
    station_id: StationId
    spoken: Version

    async def sync(self, *, full: bool, check: bool) -> tuple[Outcome | None, LocalList]:
        """Ask for the version, then send what is missing."""
        world, station_id = self.world, self.station_id
        known = await find_list(world, station_id)
        if check or known.told_version is None:
            asked = await send(world, self.principal, station_id, ListVersionRequested(), DEADLINE_S)
            known = await find_list(world, station_id)
            if isinstance(asked, Declined) or (isinstance(asked, Done) and (known.told_version or 0) < 0):
                return asked, await keep_list(world, replace(known, status=ListStatus.UNSUPPORTED))
            if isinstance(asked, Unanswered):
                return asked, known
        if known.limits is None or full:
            limits = await self.limits()
            known = await keep_list(world, replace(await find_list(world, station_id), limits=limits))
        whole = full or known.drifted or known.version == 0 or known.spoken != str(self.spoken)
        outcome = await self.bring(known, full=whole)
        if not whole and _refused(outcome):
            outcome = await self.bring(await find_list(world, station_id), full=True)
        return outcome, await self.conclude(outcome)

    async def bring(self, known: LocalList, *, full: bool) -> Outcome | None:
        """Send what is missing, message by message, until one is not taken."""
        target, left_out = await wanted(self.world, known, self.spoken)
        if left_out != known.left_out:
            known = await keep_list(self.world, replace(known, left_out=left_out))
        entries = (
            list(target.values()) if full else changes(target, known.held, lambda entry: digest(entry, self.spoken))
        )
        if full and not entries and known.version == 0 and known.policy is ListPolicy.NONE:
            return None
        limits = known.limits or Limits()
        last = max(known.version, known.told_version or 0)
        outcome: Outcome | None = None
        for message in messages(
            entries,
            last if last < MAX_VERSION - len(entries) else 0,
            full=full,
            items=max(1, limits.items or ITEMS_PER_MESSAGE),
            fits=lambda sent: limits.bytes is None or len(catalog.ask(self.spoken, sent)[1]) <= limits.bytes,
        ):
            outcome = await send(self.world, self.principal, self.station_id, message, DEADLINE_S)
            if not _accepted(outcome):
                break
        return outcome

    async def conclude(self, outcome: Outcome | None) -> LocalList:
        """Keep how the synchronisation went."""
        status = ListStatus.CURRENT if outcome is None or _accepted(outcome) else ListStatus.INCOMPLETE
        if isinstance(outcome, Declined) or _answer(outcome) == "NotSupported":
            status = ListStatus.UNSUPPORTED
        known = await find_list(self.world, self.station_id)
        fresh_ms = self.world.now_ms() if status is ListStatus.CURRENT else known.fresh_ms
        return await keep_list(self.world, replace(known, status=status, fresh_ms=fresh_ms))

    async def limits(self) -> Limits:
        """Ask the station what it takes; whatever it does not tell is not limited."""
        action, payload = ("GetConfiguration", json.encode({"key": _KEYS}))
        if self.spoken is not Version.V16:
            names = ("ItemsPerMessage", "BytesPerMessage")
            data = [{"component": {"name": _COMPONENT}, "variable": {"name": name}} for name in names]
            action, payload = "GetVariables", json.encode({"getVariableData": data})
        try:
            outcome = await send_payload(
                self.world, self.principal, self.station_id, action, payload, deadline_s=DEADLINE_S
            )
        except InputError:
            return Limits()
        told = _told(outcome.payload, self.spoken) if isinstance(outcome, Done) else {}
        if self.spoken is Version.V16:
            return Limits(items=told.get(_KEYS[0]), entries=told.get(_KEYS[1]))
        return Limits(told.get("ItemsPerMessage"), told.get("BytesPerMessage"), await self.room())

    async def room(self) -> int | None:
        """Return how many entries a 2.x station has room for: the `maxLimit` of LocalAuthListCtrlr.Entries, if told."""
        kept = await component_of(self.world, self.station_id, Component(_COMPONENT))
        told = (one.characteristics for one in kept.variables if one.name.casefold() == "entries") if kept else ()
        most = next((found.max_limit for found in told if found is not None), None)
        return None if most is None or not 0 <= most <= MAX_VERSION else int(most)


def _answer(outcome: Outcome | None) -> str | None:
    answer = outcome.answer if isinstance(outcome, Done) else None
    return answer.status if isinstance(answer, Responded) else None


def _accepted(outcome: Outcome | None) -> bool:
    return _answer(outcome) == "Accepted"


def _refused(outcome: Outcome | None) -> bool:
    return _answer(outcome) in {"Failed", "VersionMismatch"}


def _told(payload: bytes, version: Version) -> dict[str, int]:
    """Return the numbers in an answer to GetConfiguration or GetVariables, by name."""
    try:
        answer = json.decode(payload)
    except DecodeError:
        return {}
    if version is Version.V16:
        pairs = [(entry["key"], entry.get("value")) for entry in answer.get("configurationKey") or ()]
    else:
        pairs = [
            (entry["variable"]["name"], entry.get("attributeValue")) for entry in answer.get("getVariableResult") or ()
        ]
    return {name: int(value) for name, value in pairs if isinstance(value, str) and value.isdecimal()}
