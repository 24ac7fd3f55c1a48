"""What OCMF records say: energy per register over begin-end pairs, and findings (docs/spec/evidence.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import pairwise

from wattseal.base.text import shown
from wattseal.evidence.findings import EFFECTS, Effect
from wattseal.evidence.format import Clock, Direction, Meaning, Moment, RegisterEnergy, SignedReading
from wattseal.evidence.obis import Register, parse_register
from wattseal.evidence.ocmf_record import OcmfReading, OcmfRecord, Page
from wattseal.model.verdict import Finding

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_UNITS = {"Wh": 0, "kWh": 3}
_MOMENTS = {
    "": Moment.OUTSIDE,
    "B": Moment.BEGIN,
    **dict.fromkeys("CXST", Moment.DURING),
    **dict.fromkeys("ELRAP", Moment.END),
}
_CLOCK_FINDINGS = {
    Clock.UNKNOWN: "clock_unsynchronised",
    Clock.INFORMATIVE: "clock_informative",
    Clock.RELATIVE: "clock_relative",
}
_IDENTITY_LEVELS = {
    "NONE": "identity_none",
    "HEARSAY": "identity_hearsay",
    **dict.fromkeys(("MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"), "identity_error"),
    **dict.fromkeys(("", "TRUSTED", "VERIFIED", "CERTIFIED", "SECURE")),
}
_PSEUDONYMOUS = frozenset({"", "NONE", "DENIED", "CENTRAL", "CENTRAL_1", "CENTRAL_2", "LOCAL", "LOCAL_1", "LOCAL_2"})
"""Identification types whose data need not be a driver's lasting identifier (table 17)."""


def meaning_of(*records: OcmfRecord) -> Meaning:
    """Return what one record, or several of one transaction in order, say together; at least one is given.

    A begin in one record pairs with an end in another; continuity between them is checked then. Findings of the
    n-th of several records carry its number before the field: "2:RD[0].ST".
    """
    findings: list[Finding] = []
    pairs: dict[str, _Pair] = {}
    readings: list[SignedReading] = []
    for number, record in enumerate(records, 1):
        prefix = f"{number}:" if len(records) > 1 else ""
        own = [*record.notes, *_general(record)]
        for index, raw in enumerate(record.readings):
            readings.append(_reading(raw, f"RD[{index}]", own))
            _follow(pairs, raw, readings[-1], f"RD[{index}]", own)
        findings += [Finding(f.code, prefix + f.field, f.detail) for f in own]
    findings += continuity(records)
    registers = tuple(_energy(register, pair) for register, pair in pairs.items())
    findings += _pairing(pairs, registers, fiscal=all(r.page is not None and r.page.context == "F" for r in records))
    energy_wh = _billable(registers, pairs, findings)
    first, last = records[0], records[-1]
    return Meaning(
        meter_serial=first.meter_serial,
        gateway_serial=first.gateway_serial,
        page="-".join(dict.fromkeys(f"{r.page.context}{r.page.number}" for r in (first, last) if r.page)),
        readings=tuple(readings),
        registers=registers,
        energy_wh=energy_wh,
        findings=tuple(dict.fromkeys(findings)),
        identity_type=first.identity_type,
        identity=first.identity,
        identity_level=first.identity_level,
        tariff_text=first.tariff_text,
    )


def continuity(records: Sequence[OcmfRecord]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records of one meter: another meter, a page gap, order, time, rewind.

    Pages count up by one per record in each context, T and F apart (OCMF "Pagination"). A gap's detail names both.
    """
    findings: list[Finding] = []
    pages = {r.page.context: r.page for r in records[:1] if r.page}
    for number, (before, after) in enumerate(pairwise(records), 2):
        place = f"{number}:"
        if _source(before) != _source(after):
            findings.append(Finding("meter_changed", f"{place}MS"))
            pages = {after.page.context: after.page} if after.page else {}
            continue
        findings += _turned(pages, after.page, f"{place}PG")
        times = [[r.at for r in record.readings if r.at] for record in (before, after)]
        if times[0] and times[1] and times[1][0] < times[0][-1]:
            findings.append(Finding("time_backwards", f"{place}RD[0].TM"))
        ends = {r.register: _wh(r) for r in before.readings if r.value is not None}
        for index, reading in enumerate(after.readings):
            earlier, now = ends.pop(reading.register, None), _wh(reading)
            if earlier is not None and now is not None and now < earlier and _runs_on(reading):
                findings.append(Finding("register_decreasing", f"{place}RD[{index}].RV", shown(reading.register)))
    return tuple(findings)


def _turned(pages: dict[str, Page], page: Page | None, place: str) -> list[Finding]:
    """Return what is wrong with the next page of its context; `pages` are the last ones, and this one is after it."""
    if page is None:
        return []
    before = pages.get(page.context)
    pages[page.context] = page
    if before is None or page.number == before.number + 1:
        return []
    code = "page_order" if page.number <= before.number else "page_gap"
    return [Finding(code, place, f"{page.context}{before.number} -> {page.context}{page.number}")]


def _source(record: OcmfRecord) -> tuple[str, str]:
    return record.gateway_serial, record.meter_serial


@dataclass(slots=True)
class _Pair:
    """One register's way through a transaction, as far as followed."""

    register: Register | None
    begin: SignedReading | None = None
    end: SignedReading | None = None
    last_wh: Decimal | None = None
    usable: bool = True

    @property
    def direction(self) -> Direction:
        return self.register.direction if self.register else Direction.OTHER


def _general(record: OcmfRecord) -> list[Finding]:
    """Note everything but readings: version, meter, page context, identity."""
    findings: list[Finding] = []
    if record.format_version.split(".")[0] not in {"", "0", "1"}:
        findings.append(Finding("format_version_unknown", "FV", shown(record.format_version)))
    if not (record.meter_serial.strip() or record.gateway_serial.strip()):
        findings.append(Finding("meter_serial_missing", "MS"))
    if record.page and record.page.context == "F":
        findings.append(Finding("fiscal_context", "PG"))
    if not record.readings:
        findings.append(Finding("readings_missing", "RD"))
    level = _IDENTITY_LEVELS.get(record.identity_level, "identity_unknown")
    if record.identified is False and not level:
        level = "identity_none"
    if level:
        findings.append(Finding(level, "IL", shown(record.identity_level)))
    if record.identity and record.identity_type not in _PSEUDONYMOUS:
        findings.append(Finding("identity_in_clear", "ID", shown(record.identity_type)))
    return findings


def _reading(raw: OcmfReading, place: str, findings: list[Finding]) -> SignedReading:
    """Translate one reading, noting its clock, state, errors, unit and register."""
    register = parse_register(raw.register)
    findings += _state_findings(raw, place)
    findings += _value_findings(raw, register, place)
    return SignedReading(
        at=raw.at,
        clock=raw.clock,
        moment=_MOMENTS.get(raw.reason, Moment.OUTSIDE),
        register=raw.register,
        direction=register.direction if register else Direction.OTHER,
        value_wh=_wh(raw),
    )


def _state_findings(raw: OcmfReading, place: str) -> list[Finding]:
    """Note what the meter says of its clock, its state and its errors."""
    said = [
        (raw.clock in _CLOCK_FINDINGS, _CLOCK_FINDINGS.get(raw.clock or Clock.SYNCHRONISED, ""), "TM", ""),
        (raw.status != "G", "meter_status", "ST", raw.status),
        ("E" in raw.errors, "energy_flagged", "EF", raw.errors),
        ("t" in raw.errors, "time_flagged", "EF", raw.errors),
        (raw.reason == "X", "exception_reading", "TX", ""),
        (raw.reason not in _MOMENTS, "transaction_unknown", "TX", raw.reason),
    ]
    return [Finding(code, f"{place}.{field}", shown(detail)) for true, code, field, detail in said if true]


def _value_findings(raw: OcmfReading, register: Register | None, place: str) -> list[Finding]:
    """Note a value without register, of an unknown one, negative, or in a unit that is none of energy."""
    if raw.value is None:
        return []
    if register is None:
        code = "register_unknown" if raw.register else "register_missing"
        return [Finding(code, f"{place}.RI", shown(raw.register))]
    findings = []
    if register.direction is not Direction.OTHER:
        if raw.value < 0:
            findings.append(Finding("value_negative", f"{place}.RV"))
        if raw.unit not in _UNITS:
            findings.append(Finding("unit_unknown", f"{place}.RU", shown(raw.unit)))
    return findings


def _wh(raw: OcmfReading) -> Decimal | None:
    """Return the exact value in Wh, never in exponent notation, or None."""
    if raw.value is None or raw.unit not in _UNITS:
        return None
    value = raw.value.copy_abs() if raw.value == 0 else raw.value
    value = _EXACT.scaleb(value, _UNITS[raw.unit])
    return value.quantize(Decimal(1), context=_EXACT) if int(value.as_tuple().exponent) > 0 else value


def _runs_on(raw: OcmfReading) -> bool:
    """Whether the register counts on from transaction to transaction."""
    register = parse_register(raw.register)
    return register is not None and register.direction is not Direction.OTHER and not register.per_transaction


def _follow(
    pairs: dict[str, _Pair], raw: OcmfReading, reading: SignedReading, place: str, findings: list[Finding]
) -> None:
    """Take one reading into its register's pair, noting what does not fit."""
    pair = pairs.setdefault(raw.register, _Pair(parse_register(raw.register)))
    if raw.reason == "X" or "E" in raw.errors:
        pair.usable = False
    if pair.end is not None and reading.moment is not Moment.OUTSIDE:
        findings.append(Finding("end_doubled" if reading.moment is Moment.END else "reading_after_end", f"{place}.TX"))
    if reading.moment is Moment.BEGIN:
        if pair.begin is not None:
            findings.append(Finding("begin_doubled", f"{place}.TX"))
        pair.begin = pair.begin or reading
    elif reading.moment is Moment.END:
        pair.end = pair.end or reading
        if pair.begin and pair.begin.at and reading.at and reading.at < pair.begin.at:
            findings.append(Finding("time_backwards", f"{place}.TM"))
    if reading.value_wh is None:
        return
    if reading.value_wh < 0:
        pair.usable = False
    if pair.direction is not Direction.OTHER and pair.last_wh is not None and reading.value_wh < pair.last_wh:
        pair.usable = False
        findings.append(Finding("register_decreasing", f"{place}.RV", shown(raw.register)))
    pair.last_wh = reading.value_wh


def _energy(register: str, pair: _Pair) -> RegisterEnergy:
    energy_wh = None
    if pair.begin and pair.end and pair.usable:
        begin_wh, end_wh = pair.begin.value_wh, pair.end.value_wh
        if begin_wh is not None and end_wh is not None:
            energy_wh = _EXACT.subtract(end_wh, begin_wh)
    return RegisterEnergy(register, pair.direction, pair.begin, pair.end, energy_wh)


def _pairing(pairs: dict[str, _Pair], registers: tuple[RegisterEnergy, ...], *, fiscal: bool) -> list[Finding]:
    """Note what the transaction lacks as a whole: missing begin or end, several registers."""
    findings = []
    if len(registers) > 1:
        findings.append(Finding("mixed_registers", "RD", shown(", ".join(pairs))))
    if fiscal or not registers:
        return findings
    imports = [r for r in registers if r.direction is Direction.IMPORT]
    if not imports:
        findings.append(Finding("import_missing", "RD"))
    for register in imports:
        if register.begin is None:
            findings.append(Finding("begin_missing", "RD", shown(register.register)))
        if register.end is None:
            findings.append(Finding("end_missing", "RD", shown(register.register)))
    return findings


def _billable(
    registers: tuple[RegisterEnergy, ...], pairs: dict[str, _Pair], findings: list[Finding]
) -> Decimal | None:
    """Return the imported energy: at the car before at the mains, the total before single rates, and only if agreed."""
    candidates = [
        (pair.register, register)
        for register, pair in zip(registers, pairs.values(), strict=True)
        if pair.register is not None and register.direction is Direction.IMPORT
    ]
    candidates = [c for c in candidates if c[0].at_the_car] or candidates
    candidates = [c for c in candidates if c[0].rate == 0] or candidates
    energies = {register.energy_wh for _, register in candidates}
    if len(energies) > 1:
        findings.append(Finding("registers_disagree", "RD", shown(", ".join(r.register for _, r in candidates))))
        return None
    blocking = any(EFFECTS[f.code] is Effect.UNUSABLE for f in findings)
    return None if blocking else next(iter(energies), None)
