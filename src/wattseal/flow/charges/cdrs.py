"""The OCPI CDR of a transaction: what its records and the settlement say, in OCPI's words."""

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.ids import Subject
from wattseal.bundle.cdr import KWH, bounds, price_charge
from wattseal.bundle.tariff import tariff_from_value
from wattseal.evidence import format_of
from wattseal.flow.charges.bundling import others_of, tariff_record, utc_from_ms
from wattseal.flow.charges.measured import points_for
from wattseal.flow.charges.settling import settlement_of
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.world import World
from wattseal.model.cdr import Cdr, CdrLocation, CdrToken, ChargingPeriod, Dimension, SignedData
from wattseal.model.site import Site
from wattseal.model.tariff import Price, Tariff
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import hours, periods
from wattseal.pricing.price import ENERGY, FLAT, PARKING_TIME, TIME, Incomplete, Priced
from wattseal.rules.recorded import read_item
from wattseal.rules.vehicle import word_of_vehicle
from wattseal.seal.fields import Decision, SettlementVerdict
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.wire.ocpi.v2_2_1.signed_data import from_records

UNKNOWN_COUNTRY = "ZZZ"
"""ISO 3166-1 user-assigned: the site's address is not enrolled."""
NOT_STATED = "not stated"
CONFIRMED_BY_VEHICLE = "register confirmed by the vehicle (ISO 15118-2 metering receipt)"


async def cdr_of(world: World, transaction: Transaction) -> Cdr | None:
    """Return the CDR of an ended transaction, None where there is nothing agreed that it could ask for.

    Of an eMSP's driver energy and cost are those of the settlement, which the eMSP itself signed; of the CPO's own they
    are the records'. Without a tariff that the decision refers to no price was agreed.
    """
    started_ms, ended_ms = transaction.started_ms, transaction.ended_ms
    others = await others_of(world, transaction)
    record = await tariff_record(world, others)
    decision = next((i for i in others if i.payload.kind == Kind.DECISION), None)
    if record is None or decision is None or started_ms is None or ended_ms is None:
        return None
    tariff = tariff_from_value(record.payload.public.get(1))
    points = await points_for(world, transaction, tariff)
    agreed = await _agreed(world, transaction, price_charge(tariff, points))
    if agreed is None:
        return None
    auth_id = b32encode(Decision.read(decision.payload.public).auth_id).decode().rstrip("=")
    points = points or bounds(started_ms, ended_ms, agreed.energy_wh)
    priced, used = price_charge(tariff, points), periods(points, tariff)
    if isinstance(used, Incomplete) or not isinstance(priced, Priced) or priced.total != agreed.total:
        priced, used = Incomplete(()), _whole(started_ms, agreed.energy_wh, tariff)
    return Cdr(
        country_code=tariff.country_code,
        party_id=tariff.party_id,
        id=transaction.id,
        start_at=utc_from_ms(started_ms),
        end_at=utc_from_ms(ended_ms),
        token=CdrToken(tariff.country_code, (transaction.party or "")[:3], auth_id, "OTHER", auth_id),
        auth_method="AUTH_REQUEST",
        location=_location(transaction, await site_of(world, transaction.station_id)),
        currency=agreed.currency,
        periods=used,
        total_cost=agreed.total,
        total_energy_kwh=agreed.energy_wh / KWH,
        total_time_h=hours(max(ended_ms - started_ms, 0)),
        last_updated=utc_from_ms(_agreed_ms(others, ended_ms)),
        tariffs=(tariff,),
        session_id=transaction.id,
        authorization_reference=auth_id,
        signed_data=await _signed(world, transaction),
        remark=CONFIRMED_BY_VEHICLE if word_of_vehicle(transaction) == "confirmed" else None,
        total_fixed_cost=_cost(priced, FLAT),
        total_energy_cost=_cost(priced, ENERGY),
        total_time_cost=_cost(priced, TIME),
        total_parking_time_h=_parked(used),
        total_parking_cost=_cost(priced, PARKING_TIME),
    )


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What is to be paid for how much energy."""

    energy_wh: Decimal
    currency: str
    total: Price


async def _agreed(world: World, transaction: Transaction, priced: Priced | Incomplete) -> _Agreed | None:
    if transaction.party in {None, world.party}:
        energy_wh = transaction.energy_wh
        if not isinstance(priced, Priced) or energy_wh is None:
            return None
        return _Agreed(energy_wh, priced.currency, priced.total)
    settled = await settlement_of(world, transaction)
    if settled is None or settled.verdict is not SettlementVerdict.ACCEPTED:
        return None
    if settled.energy_wh is None or settled.currency is None or settled.total_excl_vat is None:
        return None
    return _Agreed(settled.energy_wh, settled.currency, Price(settled.total_excl_vat, settled.total_incl_vat))


def _agreed_ms(others: Sequence[Item], ended_ms: int) -> int:
    """Return since when the CDR is what it is: the settlement's time, or else the end's; asked again it is the same."""
    return next((item.payload.ms for item in others if item.payload.kind == Kind.SETTLEMENT), ended_ms)


def _whole(started_ms: int, energy_wh: Decimal, tariff: Tariff) -> tuple[ChargingPeriod, ...]:
    """Return one period of all energy, where more is not known here."""
    return (ChargingPeriod(utc_from_ms(started_ms), (Dimension(ENERGY, energy_wh / KWH),), tariff.id),)


def _cost(priced: Priced | Incomplete, dimension: str) -> Price | None:
    """Return what a dimension cost, None where nothing prices it."""
    if not isinstance(priced, Priced):
        return None
    told = any(line.dimension == dimension and line.element is not None for line in priced.trace)
    return priced.cost_of(dimension) if told else None


def _parked(used: Sequence[ChargingPeriod]) -> Decimal | None:
    """Return the hours of standing, None where none are told of charging or standing."""
    told = [d for period in used for d in period.dimensions if d.type in {TIME, PARKING_TIME}]
    return sum((d.volume for d in told if d.type == PARKING_TIME), Decimal(0)) if told else None


def _location(transaction: Transaction, site: Site | None) -> CdrLocation:
    """Return where it was: the site, or what stands for one that is not enrolled."""
    evse = f"{transaction.station_id}-{transaction.place}"
    return CdrLocation(
        id=transaction.station_id[:36] if site is None else site.id,
        address=NOT_STATED if site is None else site.address,
        city=NOT_STATED if site is None else site.city,
        country=UNKNOWN_COUNTRY if site is None else site.country,
        latitude="0.00000" if site is None else site.latitude,
        longitude="0.00000" if site is None else site.longitude,
        evse_uid=evse[:36],
        evse_id=evse[:48],
        connector_id=str(transaction.connector_id or transaction.place or 1),
        connector_standard="IEC_62196_T2",
        connector_format="SOCKET",
        connector_power_type="AC_3_PHASE",
        name=None if site is None else site.name,
        postal_code=None if site is None else site.postal_code,
        state=None if site is None else site.state,
    )


async def _signed(world: World, transaction: Transaction) -> SignedData | None:
    """Return the meter's own records of start and end, of the format that the first of them has.

    Where they are sealed, the bundle alone has them.
    """
    subject = Subject(bytes.fromhex(transaction.id))
    natures = {transaction.started: "Start", transaction.ended: "End"}
    found: list[tuple[str, bytes]] = []
    for kept in await world.journal.items_by_subject(world.tenant, subject):
        item: Item = parse_item(kept.item.item)
        nature = natures.get(item.hash.hex())
        meter = None if nature is None else read_item(item).meter
        if nature is not None and meter is not None:
            found.extend((nature, data) for _, data in meter.evidence)
    named = [(known, nature, data) for nature, data in found if (known := format_of(data)) is not None]
    if not named:
        return None
    method = named[0][0].name
    records = [(nature, data) for known, nature, data in named if known.name == method]
    return from_records(method, records, url=world.settings.bundle_url(transaction.id))
