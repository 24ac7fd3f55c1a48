"""Tariffs that CPOs have signed, and this side's own price of a charge under them."""

from dataclasses import dataclass
from datetime import datetime

from wattseal.base.errors import InputError
from wattseal.bundle.tariff import tariff_from_value
from wattseal.bundle.tariff_place import place_from_value
from wattseal.model.provider import Charge
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import PRIVATE, Level, TariffVersion
from wattseal.parties.emsp.books import CurrentTariff, Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.settlement import Contract
from wattseal.rules.tariff_choice import choose
from wattseal.seal.item import Item, Kind, parse_item

TARIFF_FIELD, PLACE_FIELD = 1, 2
"""Public fields of a TARIFF record: one holds a tariff, or the other says where one applies."""
VERSIONS, PLACE, STANDING = "tariff_versions", "tariff_place", "station_site"
"""Kinds of documents: a tariff's versions, what is assigned to a place, on which site a station stands."""
MAX_VERSIONS = 100
"""Versions of one tariff that are told apart by time; older ones are kept as records only."""


class DistrustError(InputError):
    """A record whose signer is not believed at present; enrolment may change that, so it may be sent again."""

    code = "not_believed"


@dataclass(frozen=True, slots=True)
class SignedTariff:
    """A tariff and the hash of the record in which the CPO signed it."""

    record: bytes
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class KeptTariff:
    """A tariff record as received, base64."""

    cpo: str
    item: bytes


@dataclass(frozen=True, slots=True)
class Seated:
    """A version of a tariff and the place of its record on the CPO's chain."""

    epoch: int
    seq: int
    version: TariffVersion


@dataclass(frozen=True, slots=True)
class Versions:
    """Document: the versions of a tariff, in the order in which they were signed."""

    seated: tuple[Seated, ...]


@dataclass(frozen=True, slots=True)
class Assigned:
    """Document: what is assigned to a place, by the newest record (its place on the chain); None for no tariff."""

    epoch: int
    seq: int
    tariff_id: str | None
    stations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Document: the site a station stands on, as far as sites with tariffs go."""

    site: str | None


def read_tariff(item: Item) -> Tariff:
    """Return the tariff of a TARIFF record; a wrong kind or shape is an `InputError`."""
    if item.payload.kind != Kind.TARIFF:
        raise InputError("not a tariff record", code="not_a_tariff", subject="kind")
    return tariff_from_value(item.payload.public.get(TARIFF_FIELD))


async def receive_tariff(desk: Desk, contract: Contract, item: Item) -> None:
    """Keep a CPO's record of a tariff, or of where one applies; decisions to come follow it.

    An older record than what is known of the same tariff or place changes nothing.
    """
    distrust = desk.distrusts(item, contract)
    if distrust is not None:
        raise DistrustError("this tariff is not its CPO's, as far as is known here", code=distrust, subject="tariff")
    entries = Entries([desk.books.keep(item)])
    if PLACE_FIELD in item.payload.public:
        await _take_place(desk, contract.party, item, entries)
    else:
        await _take_version(desk, contract.party, item, entries)
    await desk.books.commit(entries)


async def _take_version(desk: Desk, cpo: str, item: Item, entries: Entries) -> None:
    tariff, books, record = read_tariff(item), desk.books, item.hash.hex()
    seat = (item.payload.epoch, item.payload.seq)
    entries.puts.append(books.put("tariff", record, KeptTariff(cpo, item.encode())))
    current = await books.get("current_tariff", cpo, CurrentTariff)
    if current is None or seat > (current.epoch, current.seq):
        entries.puts.append(books.put("current_tariff", cpo, CurrentTariff(record, *seat)))
    key = f"{cpo}/{tariff.id.casefold()}"
    known = await books.get(VERSIONS, key, Versions) or Versions(())
    version = Seated(*seat, TariffVersion(tariff.id, record, item.payload.ms, _ms(tariff.start_at), _ms(tariff.end_at)))
    if version not in known.seated:
        seated = sorted((*known.seated, version), key=lambda one: (one.epoch, one.seq))
        entries.puts.append(books.put(VERSIONS, key, Versions(tuple(seated[-MAX_VERSIONS:]))))


async def _take_place(desk: Desk, cpo: str, item: Item, entries: Entries) -> None:
    """Keep where a tariff applies: one document a place, and for each station of a site which site that is."""
    place = place_from_value(item.payload.public[PLACE_FIELD])
    if place.level in PRIVATE:
        raise InputError("who a tariff is for is not told to partners", code="private_place", subject="place")
    books, seat = desk.books, (item.payload.epoch, item.payload.seq)
    key = _place_key(cpo, place.level, place.name)
    known = await books.get(PLACE, key, Assigned)
    if known is not None and seat <= (known.epoch, known.seq):
        return
    entries.puts.append(books.put(PLACE, key, Assigned(*seat, place.tariff_id, place.stations)))
    entries.puts.append(books.put(PLACE, cpo, Assigned(*seat, None)))
    for station in {s.casefold() for s in (*place.stations, *(known.stations if known else ()))}:
        there = station in {s.casefold() for s in place.stations}
        standing = f"{cpo}/{station}"
        now_at = await books.get(STANDING, standing, Standing)
        if there or (now_at is not None and now_at.site == place.name):
            entries.puts.append(books.put(STANDING, standing, Standing(place.name if there else None)))


async def tariff_at(desk: Desk, cpo: str, origin: str, at_ms: int) -> SignedTariff | None:
    """Return the tariff that a CPO has published for the station of an origin, as it was in force at a time.

    The most specific of station, site and CPO that has one (rules.tariff_choice). A CPO that has said of no tariff
    where it applies means its newest one everywhere.
    """
    books = desk.books
    station = origin.rpartition("/")[2].removesuffix("~csms").casefold()
    standing = await books.get(STANDING, f"{cpo}/{station}", Standing) or Standing(None)
    names = {Level.STATION: station, Level.SITE: standing.site, Level.CPO: ""}
    places = {
        level: await books.get(PLACE, _place_key(cpo, level, name), Assigned)
        for level, name in names.items()
        if name is not None
    }
    if await books.get(PLACE, cpo, Assigned) is None:
        current = await books.get("current_tariff", cpo, CurrentTariff)
        return None if current is None else await _kept(desk, current.record)
    assigned = {level: place.tariff_id for level, place in places.items() if place is not None and place.tariff_id}
    versions = {tariff_id: await _versions(desk, cpo, tariff_id, at_ms) for tariff_id in assigned.values()}
    version = choose(assigned, versions.__getitem__, at_ms).version
    return None if version is None else await _kept(desk, version.record)


def _place_key(cpo: str, level: Level, name: str) -> str:
    """Return the key of a place's document; `cpo` alone is that of the newest word on any place."""
    return f"{cpo}/{level.value}/{name.casefold() if level is Level.STATION else name}"


async def _versions(desk: Desk, cpo: str, tariff_id: str, at_ms: int) -> tuple[TariffVersion, ...]:
    """Return the versions of a tariff that were signed by then; all of them where none was."""
    known = await desk.books.get(VERSIONS, f"{cpo}/{tariff_id.casefold()}", Versions) or Versions(())
    signed = tuple(one.version for one in known.seated if one.version.since_ms <= at_ms)
    return signed or tuple(one.version for one in known.seated)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)


async def tariff_of(desk: Desk, charge: Charge) -> Tariff | None:
    """Return the tariff that was agreed for a charge."""
    found = None if charge.tariff is None else await _kept(desk, charge.tariff)
    return None if found is None else found.tariff


async def _kept(desk: Desk, record: str) -> SignedTariff | None:
    kept = await desk.books.get("tariff", record, KeptTariff)
    return None if kept is None else SignedTariff(bytes.fromhex(record), read_tariff(parse_item(kept.item)))
