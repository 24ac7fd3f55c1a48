"""Steps 5 to 7: the content shown is the content signed for, meters say the same, registers never fall."""

from decimal import Decimal

from wattseal.base.units import ROUNDING_WH
from wattseal.bundle import foreign
from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.bundle.points import moment_ms
from wattseal.model.verdict import Finding
from wattseal.seal.fields import Meter
from wattseal.seal.groups import BoxState, Content, Opening, check_opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, group_name

MAX_LATE = 256
"""Readings that may have reached their chain late; more are not looked into."""
_BOUNDS = frozenset({Kind.STARTED, Kind.ENDED})


def open_content(case: Case) -> Trouble | None:
    """Step 5: openings and boxes open to what the payloads committed to; start and end show their register."""
    for opening in case.bundle.openings:
        item = case.items.get(opening.payload_hash)
        if item is None:
            return failed("opening_of_another_record", "opening")
        if not check_opening(item.payload, opening):
            return failed("commitment_mismatch", group_name(opening.gid), item)
        _keep(case, opening)
    secrets = _group_secrets(case)
    for item in case.items.values():
        for gid in item.boxes:
            opened = open_box(item, gid, secrets.get((item.payload.origin, item.payload.subject, gid)))
            if isinstance(opened, Opening):
                _keep(case, opened)
            elif opened != BoxState.NOT_FOR_US:
                return failed(opened, group_name(gid), item)
    return _one_transaction(case)


def _keep(case: Case, opening: Opening) -> None:
    case.contents[opening.payload_hash, opening.gid] = Content.decode(opening.content)


def _group_secrets(case: Case) -> dict[tuple[str, bytes | None, int], bytes]:
    secrets: dict[tuple[str, bytes | None, int], bytes] = {}
    for item in case.signed() if case.keys else ():
        for gid in item.boxes:
            place = (item.payload.origin, item.payload.subject, gid)
            for key in case.keys:
                if place not in secrets and (secret := unwrap(item, gid, key)) is not None:
                    secrets[place] = secret
    return secrets


def _one_transaction(case: Case) -> Trouble | None:
    """Check that the transaction begins and ends once; others' starts and ends in between do not count."""
    found: dict[Kind, Item] = {}
    foreign: Item | None = None
    for item in case.bundle.items:
        kind = item.payload.kind
        if kind not in _BOUNDS:
            continue
        if not case.is_own(item):
            foreign = item
        elif found.setdefault(Kind(kind), item) is not item:
            return failed("two_transactions_in_one_bundle", "kind", item)
    if foreign is not None and len(found) == 1:
        return failed("two_transactions_in_one_bundle", "subject", foreign)
    for kind in (Kind.STARTED, Kind.ENDED):
        if kind not in found:
            return lacking("transaction", kind.name.lower())
        if (found[kind].hash, Group.METER) not in case.contents:
            return lacking("opening", "meter", found[kind])
    return _goes_beyond(case, found[Kind.STARTED], found[Kind.ENDED])


def _goes_beyond(case: Case, started: Item, ended: Item) -> Trouble | None:
    """Check that the stretch is from start to end: what lies before or behind is another's, and proves nothing here."""
    first, last = case.bundle.items[0], case.bundle.items[-1]
    for item, bound in ((first, started), (last, ended)):
        if item is not bound:
            return failed("stretch_beyond_the_transaction", "kind", item)
    return None


def _meters(case: Case) -> list[tuple[Item, Meter]]:
    """Return the readable registers of the transaction in chain order."""
    started = case.of_kind(Kind.STARTED)
    subject = started.payload.subject if started else None
    return [
        (item, Meter.read(case.contents[item.hash, Group.METER].fields))
        for item in case.bundle.items
        if item.payload.subject == subject and (item.hash, Group.METER) in case.contents
    ]


def check_evidence(case: Case) -> Trouble | None:
    """Step 6: evidence inside records verifies under the enrolled meter and says what the record says."""
    case.registers = _meters(case)
    return foreign.check(case, case.registers)


def _is_late(case: Case, number: int) -> bool:
    """Return whether a register that fell is a reading of an earlier time, and no lower than those up to then."""
    item, meter = case.registers[number]
    at_ms = moment_ms(case, item)
    earlier = [m.register_wh for i, m in case.registers[:number] if moment_ms(case, i) <= at_ms]
    return (
        item.payload.kind == Kind.READING
        and bool(earlier)
        and len(earlier) < number
        and meter.register_wh > max(earlier) - ROUNDING_WH
    )


def check_continuity(case: Case) -> Trouble | None:
    """Step 7: registers never fall; what the signer says of the neighbouring session is told.

    Less than a whole Wh is no fall: OCPP 1.6 rounds some figures to that and others not. A reading that reached its
    chain late, by the station's time, is held against what was read before it.
    """
    before: Decimal | None = None
    late = 0
    for number, (item, meter) in enumerate(case.registers):
        if before is not None and meter.register_wh <= before - ROUNDING_WH:
            late += 1
            if late > MAX_LATE or not _is_late(case, number):
                return failed("register_decreases", "register_wh", item)
        before = max(meter.register_wh, before or meter.register_wh)
        if meter.unaccounted_wh:
            detail = f"{meter.unaccounted_wh} Wh since the previous session"
            case.findings.append(Finding("unaccounted_energy", "unaccounted_wh", detail))
    by_kind = {item.payload.kind: meter for item, meter in case.registers}
    if Kind.STARTED in by_kind and Kind.ENDED in by_kind:
        told_wh = by_kind[Kind.ENDED].register_wh - by_kind[Kind.STARTED].register_wh
        case.energy_wh = told_wh if case.meter_energy_wh is None else case.meter_energy_wh
    return None
