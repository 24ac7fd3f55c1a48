"""What vehicles signed over the meter (ISO 15118-2 receipts): checked under contract roots, held against the register.

A vehicle measures nothing: it confirms what it was shown. So a receipt never gives a register and never raises a grade;
a register that a vehicle was shown and that does not fit those recorded is another matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.base.units import ROUNDING_WH
from wattseal.crypto.certificates import Certificate
from wattseal.evidence import iso15118_receipt
from wattseal.model.metering import RawEvidence
from wattseal.model.token import canonical
from wattseal.model.transaction import VEHICLE, EvidenceVerdict, Transaction
from wattseal.model.verdict import Finding, Verdict

CONFIRMED, DIFFERS, ALONE = "vehicle_confirmed", "vehicle_differs", "receipt_alone"
_NOTES = {
    Verdict.INVALID: "receipt_invalid",
    Verdict.UNREADABLE: "receipt_unreadable",
    Verdict.UNKNOWN_KEY: "receipt_root_unknown",
}


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contract roots that this CSMS trusts, and the time by which certificates are judged, Unix milliseconds."""

    roots: tuple[Certificate, ...] = ()
    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A register that a vehicle signed as shown to it, and the contract it did so under."""

    register_wh: Decimal
    emaid: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """What the receipts of one message came to."""

    verdicts: tuple[EvidenceVerdict, ...] = ()
    notes: tuple[Finding, ...] = ()
    shown: tuple[Shown, ...] = ()


NO_RECEIPTS = Receipts()


def is_receipt(raw: RawEvidence) -> bool:
    """Return whether evidence is a vehicle's receipt, or said to be one."""
    return raw.format == iso15118_receipt.NAME or iso15118_receipt.sniff(raw.data)


def examine_receipts(found: Sequence[RawEvidence], contracts: Contracts, serial: str | None) -> Receipts:
    """Check receipts; `serial` is the enrolled meter's. What is wrong with one concerns the vehicle's word alone."""
    if not found:
        return NO_RECEIPTS
    at = datetime.fromtimestamp(contracts.now_ms / 1000, UTC)
    verdicts, notes, shown = [], [], []
    for raw in found:
        checked = iso15118_receipt.check_at(raw.data, contracts.roots, at)
        verdicts.append(EvidenceVerdict(VEHICLE, iso15118_receipt.NAME, checked.verdict, checked.reason))
        if checked.verdict is not Verdict.VALID or checked.meaning is None:
            notes.append(Finding(_NOTES.get(checked.verdict, "receipt_unreadable"), "receipt", checked.reason))
            continue
        if serial is not None and serial not in checked.meaning.serials():
            notes.append(Finding("receipt_of_another_meter", "MeterID"))
        register_wh = checked.meaning.readings[0].value_wh
        if register_wh is not None:
            shown.append(Shown(register_wh, checked.meaning.identity))
    return Receipts(tuple(verdicts), tuple(dict.fromkeys(notes)), tuple(shown))


def fits(shown_wh: Decimal, before_wh: Decimal, register_wh: Decimal) -> bool:
    """Return whether a register that was shown lies between the one recorded before it and the one beside it.

    Vehicles sign whole Wh, and a little earlier than the station tells its register.
    """
    return before_wh - ROUNDING_WH < shown_wh < register_wh + ROUNDING_WH


def compare(
    shown: Sequence[Shown], before_wh: Decimal | None, register_wh: Decimal | None, token: str | None
) -> tuple[Finding, ...]:
    """Hold what vehicles signed against the message's own register; `before_wh` is the highest one before it.

    `token` is the canonical form of the one that started the transaction, where that is known: another contract's
    receipt confirms nothing.
    """
    if not shown:
        return ()
    notes = []
    for each in shown:
        if token is not None and not _is_contract(each.emaid, token):
            notes.append(Finding("receipt_of_another_contract", "receipt"))
        elif register_wh is None:
            notes.append(Finding(ALONE, "register_wh"))
        elif fits(each.register_wh, register_wh if before_wh is None else before_wh, register_wh):
            notes.append(Finding(CONFIRMED, "register_wh"))
        else:
            detail = f"{register_wh} told, {each.register_wh} signed by the vehicle"
            notes.append(Finding(DIFFERS, "register_wh", detail))
    return tuple(dict.fromkeys(notes))


def word_of_vehicle(transaction: Transaction) -> str | None:
    """Return what vehicles' receipts come to: "confirmed", "differs", None where there are none that count."""
    codes = {note.code for note in (*transaction.findings, *transaction.alarms)}
    return "differs" if DIFFERS in codes else "confirmed" if CONFIRMED in codes else None


def _is_contract(emaid: str, token: str) -> bool:
    """Return whether a token is the contract's: eMAIDs are written with and without hyphens and check digit."""
    plain, told = (canonical(text.replace("-", "")) for text in (emaid, token))
    return plain == told or (len(plain) == 15 and plain[:14] == told) or (len(told) == 15 and told[:14] == plain)
