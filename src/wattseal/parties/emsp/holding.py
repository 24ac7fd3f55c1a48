"""The hold of a charge under way, metered by what is relayed: extended within the customer's limit, else a signed stop.

A stop is a COMMAND record with the charge's subject that refers to the decision it follows from. It answers the record
that brought it about and every later one, the same each time, until the charge has ended.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from wattseal.model.provider import Charge, Customer, HoldState
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp.books import Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.parties.emsp.tariffs import tariff_of
from wattseal.rules.affordable import affordable_wh, cost_of
from wattseal.rules.holds import extend
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import STOP_ACTION, Ordered
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys

STOP_VERSION = "wattseal"
"""In place of an OCPP version: the stop is in the words of records, and the CPO's to spell for the station."""
STOP_DEADLINE_MS = 3_600_000
USED_UP = "hold_used_up"
"""Alarm of a charge that is to stop: its hold is used up, and the customer's account allows no more."""


async def meter_hold(desk: Desk, entries: Entries, charge: Charge, energy_wh: Decimal, *, over: bool) -> Charge:
    """Compare what a charge has come to, and will have by the next record, with what is held and agreed for it.

    The customer with a larger hold is put into the step. Of a charge that is `over` it is only said what was exceeded.
    """
    if charge.cap_wh is not None and energy_wh > charge.cap_wh:
        charge = replace(charge, alarms=charge.with_alarm("cap_exceeded"))
    tariff, hold = await tariff_of(desk, charge), charge.hold
    if tariff is None or hold is None or hold.state is not HoldState.OPEN:
        return charge
    ahead_wh = energy_wh + max(charge.metered.step_wh, Decimal(0))
    now, ahead = (cost_of(tariff, wh, charge.requested_ms, desk.books.now_ms()) for wh in (energy_wh, ahead_wh))
    if now is None or ahead is None:
        return charge
    if not over and (ahead >= hold.amount or now >= desk.terms.extend_at * hold.amount):
        charge = await _extend(desk, entries, charge)
        hold = charge.hold or hold
        cap_wh = affordable_wh(tariff, hold.amount, desk.terms.max_session_wh, charge.requested_ms)
        charge = replace(charge, cap_wh=None if charge.cap_wh is None else max(charge.cap_wh, cap_wh))
    if now > hold.amount:
        charge = replace(charge, alarms=charge.with_alarm("hold_exceeded"))
    used_up = not over and ahead >= hold.amount
    return replace(charge, alarms=charge.with_alarm(USED_UP)) if used_up else charge


async def _extend(desk: Desk, entries: Entries, charge: Charge) -> Charge:
    customer = await desk.books.get("customer", charge.customer or "", Customer)
    if customer is None or charge.hold is None or customer.status is not TokenStatus.ACCEPTED:
        return charge
    account, hold = extend(customer.account, charge.hold, desk.terms.hold)
    if hold != charge.hold:
        key = customer.id_token.key()
        entries.puts.append(desk.books.put("customer", key, replace(customer, account=account)))
    return replace(charge, hold=hold)


async def stop_of(
    desk: Desk, contract: Contract, entries: Entries, charge: Charge, cause: Item
) -> tuple[Charge, bytes | None]:
    """Return the signed stop of a charge whose hold is used up, the one given before where there is one."""
    if USED_UP not in charge.alarms or cause.payload.kind == Kind.ENDED:
        return charge, None
    subject = bytes.fromhex(charge.subject)
    if charge.stop is not None:
        known = await _stop_of(desk, charge)
        return charge, None if known is None else known.encode()
    now_ms = desk.books.now_ms()
    said = Ordered(STOP_ACTION, desk.party, STOP_VERSION, now_ms + STOP_DEADLINE_MS)
    refs = (bytes.fromhex(charge.decision), cause.hash)
    group = GroupDraft(said.to_fields(), ())
    draft = Draft(Kind.COMMAND, now_ms, ClockQuality.SYNCHRONISED, {Group.OPS: group}, refs)
    stream = await desk.books.stream_of(entries, contract.party)
    keys = SubjectKeys(subject, desk.books.random.bytes(32))
    item = await desk.books.write(entries, desk.authorisation_writer(contract), stream, draft, keys)
    return replace(charge, stop=item.hash.hex()), item.encode()


async def stop_cause(desk: Desk, charge: Charge, items: Sequence[Item]) -> Item | None:
    """Return the record of a bundle that brought about the charge's stop; None where nobody stopped it."""
    stop = await _stop_of(desk, charge)
    return None if stop is None else next((item for item in items if item.hash in stop.payload.refs), None)


async def _stop_of(desk: Desk, charge: Charge) -> Item | None:
    if charge.stop is None:
        return None
    kept = await desk.books.items_of(bytes.fromhex(charge.subject))
    return next((item for item in kept if item.hash.hex() == charge.stop), None)
