"""What vehicles signed over the meter: receipts inside records, beside step 6. They change neither verdict nor grade.

A receipt is checked under the trust file's contract roots at the time of its record. What it says is then held against
the registers of the records: it lies between the one before and the one it came with, or the vehicle was shown another.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.base.units import ROUNDING_WH
from wattseal.bundle.case import Case
from wattseal.bundle.report import RecordReport, place_text
from wattseal.evidence import iso15118_receipt
from wattseal.evidence.iso15118_receipt import Receipt, continuity, meaning_of
from wattseal.model.verdict import Finding, Verdict
from wattseal.seal.fields import Meter
from wattseal.seal.item import Item

BY_ITSELF = frozenset({"meter_changed", "transaction_changed", "register_decreasing", "time_backwards"})
"""What is wrong among receipts alone."""
_LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999: a record may state later times, of which there is no date."""


def check(case: Case, known: Sequence[tuple[Item, Meter]]) -> None:
    """Report each receipt, and find whether vehicles confirm the registers: `vehicle_confirmed`, `vehicle_differs`."""
    roots = case.trust.contracts() if case.trust else ()
    good: list[Receipt] = []
    before_wh: Decimal | None = None
    for item, meter in known:
        at = datetime.fromtimestamp(min(item.payload.ms, _LATEST_MS) / 1000, UTC)
        for name, raw in meter.evidence:
            if name != iso15118_receipt.NAME and not iso15118_receipt.sniff(raw):
                continue
            checked = iso15118_receipt.check_at(raw, roots, at)
            case.evidence.append(
                RecordReport(
                    verdict=checked.verdict,
                    format=checked.format,
                    reason=checked.reason,
                    findings=checked.findings,
                    record=place_text(item.payload.place),
                    kind="vehicle",
                )
            )
            if checked.verdict is Verdict.VALID:
                receipt = iso15118_receipt.read(raw)
                good.append(receipt)
                lower_wh = meter.register_wh if before_wh is None else min(before_wh, meter.register_wh)
                _compare(case, item, receipt, lower_wh, meter.register_wh)
        before_wh = meter.register_wh
    if good:
        _conclude(case, good)


def _compare(case: Case, item: Item, receipt: Receipt, before_wh: Decimal, register_wh: Decimal) -> None:
    """Find a register that the vehicle was shown and that does not lie where its record has it."""
    shown_wh = receipt.register_wh
    if shown_wh is not None and not before_wh - ROUNDING_WH < shown_wh < register_wh + ROUNDING_WH:
        detail = f"{register_wh} recorded, {shown_wh} signed by the vehicle"
        case.findings.append(Finding("vehicle_differs", place_text(item.payload.place), detail))


def _conclude(case: Case, good: Sequence[Receipt]) -> None:
    """Say what the receipts that hold come to together."""
    gaps = continuity(good)
    case.findings.extend(Finding("receipts_disagree", f.field, f.code) for f in gaps if f.code in BY_ITSELF)
    if gaps or any(f.code == "vehicle_differs" for f in case.findings):
        return
    last_wh = meaning_of(good).readings[-1].value_wh
    if last_wh is not None:
        case.findings.append(Finding("vehicle_confirmed", "register_wh", f"{len(good)} receipts, last {last_wh} Wh"))
