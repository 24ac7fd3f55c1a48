"""The tariffs of a CPO, side by side, and which of them a driver charges under.

All of it is kept in memory once it was read: a decision looks nothing up in the journal for its tariff.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattseal.bundle.tariff import tariff_from_value
from wattseal.flow.documents import TARIFF, every_document, read
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.tariff import CurrentTariff, Tariff
from wattseal.model.tariff_place import Level, TariffVersion
from wattseal.model.token import TokenRecord
from wattseal.rules.tariff_choice import Choice, choose, names_of
from wattseal.seal.item import Item, parse_item

TARIFF_RECORD = "tariff_record"
"""Document kind: an encoded TARIFF record by its payload hash in hex; bundles need it for ever."""
TARIFF_LISTED = "tariff_listed"
"""Document kind: a tariff by its id."""
TARIFF_VERSION = "tariff_version"
"""Document kind: every version a tariff has had, by its id and time."""
TARIFF_PLACE = "tariff_place"
"""Document kind: what a tariff is assigned to, by level and name."""
CURRENT_TARIFF = "current"
"""Key of the one document of kind TARIFF, of the time when there was one tariff for all: the CPO's default."""


@dataclass(frozen=True, slots=True)
class KeptItemBytes:
    """Document: an encoded item."""

    item: bytes


@dataclass(frozen=True, slots=True)
class ListedTariff:
    """Document: a tariff with the versions in force or announced, oldest first; one removed keeps its id."""

    id: str
    versions: tuple[TariffVersion, ...]
    removed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Document: a tariff assigned to a place since then, by a record (payload hash in hex).

    `stations` are those of a site when its record was made. `name` is canonical: a station's or token's in lower case.
    """

    level: Level
    name: str
    tariff_id: str
    since_ms: int
    record: str
    stations: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of its document."""
        return place_key(self.level, self.name)


@dataclass(slots=True)
class TariffBook:
    """What is kept in memory: tariffs by id in lower case, their contents by record, assignments by place.

    `legacy` says that the CPO's default stands in the one document of old. `changing` is true while a change is
    written: one at a time.
    """

    listed: dict[str, ListedTariff] = field(default_factory=dict)
    tariffs: dict[str, Tariff] = field(default_factory=dict)
    assigned: dict[str, Assignment] = field(default_factory=dict)
    legacy: bool = False
    changing: bool = False

    def versions_of(self, tariff_id: str) -> tuple[TariffVersion, ...]:
        """Return a tariff's versions in force or announced."""
        listed = self.listed.get(tariff_id.casefold())
        return () if listed is None or listed.removed_ms is not None else listed.versions

    def choose(self, names: Mapping[Level, str], at_ms: int) -> Choice:
        """Return what applies to whom and what is called so."""
        found = {level: self.assigned.get(place_key(level, name)) for level, name in names.items()}
        ids = {level: assignment.tariff_id for level, assignment in found.items() if assignment is not None}
        return choose(ids, self.versions_of, at_ms)

    def places_of(self, tariff_id: str) -> tuple[Assignment, ...]:
        """Return what a tariff is assigned to."""
        key = tariff_id.casefold()
        return tuple(found for found in self.assigned.values() if found.tariff_id.casefold() == key)


def place_key(level: Level, name: str) -> str:
    """Return the key of a place."""
    return f"{level}/{name}"


async def tariff_book(world: World) -> TariffBook:
    """Return the tariffs and assignments, from memory once they were read."""
    if world.tariff_book is None:
        read_now = await _load(world)
        if world.tariff_book is None:
            world.tariff_book = read_now
    book: TariffBook = world.tariff_book
    return book


async def tariff_for(world: World, station: Station, token: TokenRecord | None, now_ms: int) -> CurrentTariff | None:
    """Return the tariff record that a charge of this token at this station is decided under; None where none applies.

    The most specific level with a valid tariff decides (rules.tariff_choice); `token` None is a driver nothing is known
    of.
    """
    version = (await applying(world, station, token, now_ms)).version
    return None if version is None else CurrentTariff(version.record, version.tariff_id)


async def applying(world: World, station: Station, token: TokenRecord | None, now_ms: int) -> Choice:
    """Return which tariff applies, by which level, and which levels were passed over."""
    return (await tariff_book(world)).choose(names_of(station, token), now_ms)


async def tariff_by_record(world: World, record: str) -> Tariff | None:
    """Return the tariff that a record states (payload hash in hex), of any version there ever was."""
    known = (await tariff_book(world)).tariffs.get(record)
    if known is not None:
        return known
    item = await tariff_item(world, record)
    return None if item is None else tariff_from_value(item.payload.public.get(1))


async def tariff_item(world: World, record: str) -> Item | None:
    """Return a tariff record by its payload hash in hex."""
    document = await world.journal.document(world.tenant, TARIFF_RECORD, record)
    return None if document is None else parse_item(read(document, KeptItemBytes).item)


async def _load(world: World) -> TariffBook:
    book = TariffBook()
    async for document in every_document(world.journal, world.tenant, TARIFF_LISTED):
        listed = read(document, ListedTariff)
        book.listed[document.key] = listed
    async for document in every_document(world.journal, world.tenant, TARIFF_PLACE):
        book.assigned[document.key] = read(document, Assignment)
    await _load_legacy(world, book)
    for listed in book.listed.values():
        for version in listed.versions if listed.removed_ms is None else ():
            item = await tariff_item(world, version.record)
            if item is not None:
                book.tariffs[version.record] = tariff_from_value(item.payload.public.get(1))
    return book


async def _load_legacy(world: World, book: TariffBook) -> None:
    """Take the one tariff of a directory of old as the CPO's default, until a change writes it in the new form."""
    document = await world.journal.document(world.tenant, TARIFF, CURRENT_TARIFF)
    current = None if document is None else read(document, CurrentTariff)
    item = None if current is None or not current.record else await tariff_item(world, current.record)
    if current is None or item is None:
        return
    tariff = tariff_from_value(item.payload.public.get(1))
    version = version_of(tariff, current.record, item.payload.ms)
    book.listed.setdefault(tariff.id.casefold(), ListedTariff(tariff.id, (version,)))
    default = Assignment(Level.CPO, "", tariff.id, item.payload.ms, current.record)
    book.assigned.setdefault(default.key, default)
    book.legacy = True


def version_of(tariff: Tariff, record: str, since_ms: int) -> TariffVersion:
    """Return what is to be known of a version to choose it."""
    start_ms = None if tariff.start_at is None else round(tariff.start_at.timestamp() * 1000)
    end_ms = None if tariff.end_at is None else round(tariff.end_at.timestamp() * 1000)
    return TariffVersion(tariff.id, record, since_ms, start_ms, end_ms)
