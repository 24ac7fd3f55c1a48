"""What operators and registries tell the CPO: stations, tokens, registry entries."""

import re
from dataclasses import dataclass, replace

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import StationId
from wattseal.crypto.keys import PublicKey
from wattseal.crypto.passwords import digest_password
from wattseal.flow.documents import ENTRY, STATION, TOKEN, put, put_station, put_token, read
from wattseal.flow.drivers.known_tokens import forget_token, token_of
from wattseal.flow.memory import Memory
from wattseal.flow.money.accounts import account_of
from wattseal.flow.money.tariff_changes import moved, tell_of_move
from wattseal.flow.ports import Batch, Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.token import TokenRecord, TokenStatus, canonical
from wattseal.rules.enrolment import believe, station_entry
from wattseal.seal.item import is_origin
from wattseal.seal.registry import Refusal, entry_from
from wattseal.seal.signed import Statement, parse

_STATION_ID = re.compile(r"[A-Za-z0-9*\-_=+|@.]{1,48}")
MIN_PASSWORD, MAX_PASSWORD = 8, 64
CERTIFICATE_NAME = "certificate_name"
"""Document kind: the name that stands for a station in certificates, by that name; never another station's again."""


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """Document: an encoded statement."""

    statement: bytes


async def enrol_station(world: World, station: Station, password: bytes | None) -> Station:
    """Enrol a station or change its enrolment; an `InputError` names the field that cannot be."""
    check_station_id(world, station.id)
    named = await _name_certificate(world, station)
    known = await world.journal.document(world.tenant, STATION, station.id.casefold())
    before = None if known is None else read(known, Station)
    if password is not None:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InputError(
                f"a station password has {MIN_PASSWORD} to {MAX_PASSWORD} bytes",
                code="bad_password",
                subject="password",
            )
        station = replace(station, password_digest=digest_password(password, world.random.bytes(16)))
    elif before is not None:
        station = replace(
            station,
            password_digest=before.password_digest,
            pending_password_digests=before.pending_password_digests,
            successor=before.successor,
        )
    step = Step(world, station.id, world.now_ms())
    step.puts.extend((put_station(station, step.now_ms), *named))
    sites = await tell_of_move(step, before, station)
    await step.commit()
    await moved(world, sites)
    believe(world.registry, (station_entry(world.party, station),))
    memory = world.stations.get(StationId(station.id))
    if memory is not None:
        memory.station = station
        memory.origin = world.origin_of(station)
    return station


async def keep_digest(world: World, station: Station, digest: str) -> Station:
    """Give a station the password behind a digest."""
    changed = replace(station, password_digest=digest)
    await _commit(world, put_station(changed, world.now_ms()))
    memory = world.stations.get(StationId(changed.id))
    if memory is not None:
        memory.station = changed
    return changed


async def change_station(world: World, memory: Memory, station: Station) -> None:
    """Keep a change of a station's enrolment that its own doing brought about.

    Memory changes first, so that what changes meanwhile starts from it; a commit that fails drops all memory.
    """
    memory.station = station
    await _commit(world, put_station(station, world.now_ms()))


async def _goes_on(world: World, owner: str, station: Station) -> bool:
    """Return whether the owner of a name still needs it: one that `station` has replaced does not."""
    document = await world.journal.document(world.tenant, STATION, owner)
    successor = None if document is None else read(document, Station).successor
    return successor is None or successor.casefold() != station.id.casefold()


async def _name_certificate(world: World, station: Station) -> tuple[Put, ...]:
    """Keep whose certificate a name stands for; `InputError` where id or name are another station's."""
    for name in {station.id, station.certificate_name or station.id}:
        kept = await world.journal.document(world.tenant, CERTIFICATE_NAME, name.casefold())
        enrolled = await world.journal.document(world.tenant, STATION, name.casefold())
        owners = {str(document.station_id).casefold() for document in (kept, enrolled) if document is not None}
        if any([await _goes_on(world, owner, station) for owner in owners - {station.id.casefold()}]):
            raise InputError(
                "another station goes by that name in certificates; give this one another",
                code="certificate_name_taken",
                subject="certificate_name" if name == station.certificate_name else "id",
            )
    if station.certificate_name is None:
        return ()
    now_ms, key = world.now_ms(), station.certificate_name.casefold()
    return (put(CERTIFICATE_NAME, key, station.certificate_name, now_ms, station_id=station.id),)


def check_station_id(world: World, station_id: str) -> None:
    """Go on only with an id that a station may have; otherwise `InputError`."""
    if not _STATION_ID.fullmatch(station_id) or not is_origin(f"{world.party}/{station_id}~csms"):
        raise InputError(
            "a station id has 1 to 48 characters, letters and digits and * - _ = + | @ . (OCPP part 4, 3.1.1)",
            code="bad_station_id",
            subject="id",
        )


async def put_a_token(world: World, token: TokenRecord) -> None:
    """Enrol a token or change its status; it names an account that there is, or none (`no_such_account`).

    The key of its card stays what it is, as long as no eMSP decides.
    """
    if token.account is not None and await account_of(world, token.account) is None:
        raise InputError("there is no such account; open it first", code="no_such_account", subject="account")
    known = await token_of(world, token.id_token.key())
    card_key = None if known is None or token.party is not None else known.card_key
    await _keep_token(world, replace(token, card_key=card_key))


async def put_card_key(world: World, id_token: str, spki: bytes | None) -> TokenRecord:
    """Enrol the public key (SPKI) of a token's card: its number alone charges nothing then. None takes it away.

    `no_such_token`; `token_of_party` where an eMSP decides, which enrols the key itself; `bad_key`.
    """
    known = await token_of(world, canonical(id_token))
    if known is None:
        raise InputError("there is no such token", code="no_such_token", subject="id_token")
    if known.party is not None:
        text = f"{known.party} decides on this token and enrols its card's key"
        raise InputError(text, code="token_of_party", subject="id_token")
    token = replace(known, card_key=None if spki is None else PublicKey.from_spki(spki).spki)
    await _keep_token(world, token)
    return token


async def _keep_token(world: World, token: TokenRecord) -> None:
    await _commit(world, put_token(token, world.now_ms()))
    forget_token(world, token.id_token.key())
    world.token_changes += 1


async def set_token_status(world: World, id_token: str, status: TokenStatus) -> TokenRecord:
    """Change the status of one token and nothing else of it, nor of another of its account; `unknown_token`."""
    token = await token_of(world, canonical(id_token))
    if token is None:
        raise InputError("there is no such token", code="unknown_token", subject="id_token")
    changed = replace(token, status=status)
    await put_a_token(world, changed)
    return changed


async def add_entries(world: World, encoded: list[bytes]) -> list[str]:
    """Take root-signed registry entries; return the codes of refusals. Only accepted ones are kept."""
    statements: list[Statement] = [parse(data) for data in encoded]
    refusals: list[Refusal] = world.registry.add_all(statements)
    now_ms = world.now_ms()
    puts = []
    for statement in statements:
        entry = entry_from(statement)
        held = world.registry.by_kid(entry.kid)
        if held == entry:
            key = f"{entry.kid.hex()}/{entry.version:012d}"
            puts.append(put(ENTRY, key, KeptStatement(statement.encode()), now_ms))
    if puts:
        await _commit(world, *puts)
    for memory in world.stations.values():
        memory.origin = world.origin_of(memory.station)
    return [refusal.code for refusal in refusals]


async def load_entries(world: World) -> tuple[Statement, ...]:
    """Read the registry entries kept, for the registry at start and for bundles."""
    found: list[Statement] = []
    after = ""
    while page := await world.journal.documents(world.tenant, ENTRY, after=after):
        found.extend(parse(read(document, KeptStatement).statement) for document in page)
        after = page[-1].key
    return tuple(found)


async def load_stations(world: World) -> int:
    """Take the keys of all enrolled stations into the registry, at start; return how many stations there are."""
    count, after = 0, ""
    while page := await world.journal.documents(world.tenant, STATION, after=after, limit=1000):
        believe(world.registry, (station_entry(world.party, read(document, Station)) for document in page))
        count, after = count + len(page), page[-1].key
    return count


async def find_tokens(world: World, after: str, limit: int) -> tuple[TokenRecord, ...]:
    """Return tokens in the order of their canonical form."""
    page = await world.journal.documents(world.tenant, TOKEN, after=after, limit=limit)
    return tuple(read(document, TokenRecord) for document in page)


async def _commit(world: World, *puts: Put) -> None:
    try:
        await world.journal.commit(Batch(world.tenant, puts=puts))
    except StoreError:
        world.forget()
        raise
