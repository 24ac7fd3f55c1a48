"""Records relayed while a car charges: kept as they come, and the hold metered by them."""

from dataclasses import replace

from wattseal.model.provider import Charge, ChargeStatus, Metered
from wattseal.parties.emsp.books import Entries
from wattseal.parties.emsp.desk import Desk, contradicting
from wattseal.parties.emsp.holding import meter_hold, stop_of
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Meter
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, Item, Kind

_RUNNING = frozenset({ChargeStatus.AUTHORISED, ChargeStatus.CHARGING, ChargeStatus.ENDED, ChargeStatus.EXPIRED})


async def receive_record(desk: Desk, contract: Contract, item: Item) -> bytes | None:
    """Keep a relayed record of a charge and move the charge on; return the signed stop where it is to end.

    Nothing here bills anybody: a record that is not believed raises an alarm and is kept; the bundle decides. Records
    of charges unknown here are passed over.
    """
    subject = item.payload.subject
    charge = None if subject is None else await desk.books.charge(subject)
    if charge is None or charge.cpo != contract.party:
        return None
    entries = Entries([desk.books.keep(item)])
    distrust, stop = desk.distrusts(item, contract), None
    if item.signature is None and item.payload.kind == Kind.READING and item.payload.origin == charge.origin:
        distrust = None  # a link: provisional until a signed record covers it
    if distrust is not None:
        updated = replace(charge, alarms=charge.with_alarm(f"record_{distrust}"))
    else:
        updated = _advance(await _meter(desk, entries, charge, item), item)
        updated, stop = await stop_of(desk, contract, entries, updated, item)
    if distrust is None and item.signature is not None and await contradicting(desk, contract, [item]):
        updated = replace(updated, alarms=updated.with_alarm("fork"))
    if updated != charge:
        entries.puts.append(desk.books.put_charge(updated))
    await desk.books.commit(entries)
    return stop


def _advance(charge: Charge, item: Item) -> Charge:
    if charge.status not in _RUNNING:
        return charge
    match item.payload.kind:
        case Kind.STARTED if charge.status is not ChargeStatus.ENDED:
            return replace(charge, status=ChargeStatus.CHARGING)
        case Kind.ENDED:
            return replace(charge, status=ChargeStatus.ENDED)
        case _:
            return charge


async def _meter(desk: Desk, entries: Entries, charge: Charge, item: Item) -> Charge:
    """Read the register, where this side may, and say when the charge outgrows what is held or agreed for it."""
    if Group.METER not in item.payload.groups:
        return charge
    metered = charge.metered
    unwrapped = unwrap(item, Group.METER, desk.keys.seal)
    secret = unwrapped or (bytes.fromhex(metered.secret) if metered.secret else None)
    content = desk.read_group(item, Group.METER, secret)
    if isinstance(content, str):
        return replace(charge, alarms=charge.with_alarm(content))
    register_wh = Meter.read(content.fields).register_wh
    start_wh = register_wh if item.payload.kind == Kind.STARTED else metered.start_wh
    fell = metered.register_wh is not None and register_wh < metered.register_wh
    step_wh = register_wh - (register_wh if metered.register_wh is None else metered.register_wh)
    metered = Metered(secret.hex() if secret else None, start_wh, register_wh, metered.records + 1, step_wh)
    alarms = charge.with_alarm("register_decreases") if fell else charge.alarms
    charge = replace(charge, metered=metered, alarms=alarms)
    if start_wh is None:
        return charge
    over = charge.status not in _RUNNING or item.payload.kind == Kind.ENDED
    return await meter_hold(desk, entries, charge, register_wh - start_wh, over=over)
