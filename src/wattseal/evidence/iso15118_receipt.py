"""ISO15118-2-RECEIPT: what a vehicle signed over the station's meter, with its contract key (ISO 15118-2, 8.4.3.13).

A receipt travels as deterministic CBOR `[1, fragment, signed_info, signature, [+ certificate]]`: the EXI of
MeteringReceiptReq and of SignedInfo as the vehicle signed them, r || s, and the contract certificate with its sub-CAs
in DER. The contract roots are the verifier's own and never come from a receipt.

The vehicle confirms what the station told it: it does not measure. Its signature says that a vehicle with this contract
was shown this register and did not object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wattseal.base.errors import InputError, LimitError
from wattseal.base.units import MAX_ENERGY_WH
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.crypto.curves import Curve, KeyUnusableError, parse_public_key
from wattseal.crypto.hashes import sha256
from wattseal.crypto.paths import MAX_CHAIN, in_force, path_to
from wattseal.evidence.format import Checked, Direction, Format, Meaning, Moment, RegisterEnergy, SignedReading
from wattseal.evidence.iso15118_exi import (
    CANONICAL_EXI,
    ECDSA_SHA256,
    SHA256,
    MeteringReceipt,
    SignedInfo,
    read_receipt,
    read_signed_info,
)
from wattseal.model.verdict import Finding, Verdict
from wattseal.seal import dcbor

NAME = "ISO15118-2-RECEIPT"
VERSION = 1
MAX_BYTES = 16_000
_START = bytes([0x85, VERSION])
_SIGNATURE_BYTES = 64
_REGISTER = "MeterReading"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it came, and what its parts say."""

    fragment: bytes
    signed_info: bytes
    signature: bytes
    chain: tuple[Certificate, ...]
    told: MeteringReceipt
    signed: SignedInfo

    @property
    def emaid(self) -> str:
        """The contract it was signed under, as its certificate names it. Personal data: never log it."""
        return self.chain[0].common_names[0] if self.chain[0].common_names else ""

    @property
    def register_wh(self) -> Decimal | None:
        """The register that the vehicle was shown, in Wh."""
        reading = self.told.meter.reading_wh
        return None if reading is None or reading >= MAX_ENERGY_WH else Decimal(reading)


def sniff(raw: bytes) -> bool:
    """Return whether `raw` starts like a receipt."""
    return raw.startswith(_START)


def encode(fragment: bytes, signed_info: bytes, signature: bytes, chain: Sequence[bytes]) -> bytes:
    """Return a receipt in its container; certificates are DER, the contract's first."""
    return dcbor.encode([VERSION, fragment, signed_info, signature, list(chain)])


def read(raw: bytes) -> Receipt:
    """Return a receipt; `InputError` with a code where it is none."""
    if len(raw) > MAX_BYTES:
        raise LimitError(f"a receipt is at most {MAX_BYTES} bytes", code="too_large", subject=NAME)
    match dcbor.decode(raw):
        case [int(version), bytes(fragment), bytes(signed_info), bytes(signature), [*chain]] if version == VERSION:
            pass
        case _:
            raise InputError("not [1, fragment, signed info, signature, chain]", code="not_receipt", subject=NAME)
    if len(signature) != _SIGNATURE_BYTES or not 1 <= len(chain) <= MAX_CHAIN + 1:
        raise InputError("r || s and one to five certificates", code="not_receipt", subject=NAME)
    if not all(isinstance(der, bytes) and der[:1] == b"\x30" for der in chain):
        raise InputError("a certificate is not DER", code="bad_certificate", subject="chain")
    certificates = tuple(read_certificate(der) for der in chain)
    if any(certificate.serial <= 0 for certificate in certificates):
        raise InputError("a certificate's number is not positive (RFC 5280, 4.1.2.2)", code="bad_certificate")
    return Receipt(
        fragment=fragment,
        signed_info=signed_info,
        signature=signature,
        chain=certificates,
        told=read_receipt(fragment),
        signed=read_signed_info(signed_info),
    )


def judge(receipt: Receipt, roots: Sequence[Certificate], at: datetime | None) -> tuple[Verdict, str, bytes | None]:
    """Return the verdict, its reason, and the root that vouches (DER).

    In this order: the algorithms are the standard's; the reference is to the message and its digest holds; the contract
    key signed SignedInfo; the chain ends at one of `roots`; all of it was in force at `at`, where a time is given.
    """
    signed = receipt.signed
    algorithms = (signed.canonicalization, signed.signature_method, signed.transforms, signed.digest_method)
    if algorithms != (CANONICAL_EXI, ECDSA_SHA256, (CANONICAL_EXI,), SHA256):
        return Verdict.INVALID, "algorithm_unknown", None
    if signed.uri != f"#{receipt.told.id}":
        return Verdict.INVALID, "reference_mismatch", None
    if signed.digest != sha256(receipt.fragment):
        return Verdict.INVALID, "digest_mismatch", None
    contract = receipt.chain[0]
    reason = _signature_reason(receipt, contract)
    if reason:
        return Verdict.INVALID, reason, None
    links = path_to(receipt.chain, roots)
    if contract.is_authority:
        return Verdict.INVALID, "not_a_contract", None
    if links is None:
        return Verdict.UNKNOWN_KEY, "root_unknown" if roots else "no_key", None
    if at is not None and not in_force(links, at):
        return Verdict.INVALID, "certificate_not_valid_then", None
    return Verdict.VALID, "signature_valid", links[-1][1].der


def _signature_reason(receipt: Receipt, contract: Certificate) -> str:
    """Return why the contract key did not sign; "" where it did."""
    spki = (
        contract.x509()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    try:
        key = parse_public_key(spki)
    except KeyUnusableError:
        return "key_kind_mismatch"
    if key.curve is not Curve.SECP256R1:
        return "key_kind_mismatch"
    r, s = int.from_bytes(receipt.signature[:32]), int.from_bytes(receipt.signature[32:])
    holds = r > 0 and s > 0 and key.verify(receipt.signed_info, encode_dss_signature(r, s))
    return "" if holds else "signature_mismatch"


def meaning_of(receipts: Sequence[Receipt]) -> Meaning:
    """Return what receipts of one transaction, in order, say together; at least one is given."""
    findings: list[Finding] = []
    for number, receipt in enumerate(receipts, 1):
        prefix = f"{number}:" if len(receipts) > 1 else ""
        findings += [Finding(f.code, prefix + f.field, f.detail) for f in _own_findings(receipt)]
    findings += continuity(receipts)
    readings = tuple(_reading(receipt) for receipt in receipts)
    first, last = receipts[0], receipts[-1]
    return Meaning(
        meter_serial=first.told.meter.meter_id,
        gateway_serial="",
        page="",
        readings=readings,
        registers=(RegisterEnergy(_REGISTER, Direction.IMPORT, None, None, None),),
        energy_wh=None,
        findings=tuple(dict.fromkeys(findings)),
        identity_type="EMAID",
        identity=last.emaid,
    )


def _own_findings(receipt: Receipt) -> list[Finding]:
    meter = receipt.told.meter
    said = (
        (meter.reading_wh is None, Finding("value_missing", "MeterReading")),
        (meter.reading_wh is not None and receipt.register_wh is None, Finding("value_malformed", "MeterReading")),
        (_at(receipt) is None, Finding("time_malformed", "TMeter")),
        (not meter.meter_id.strip(), Finding("meter_serial_missing", "MeterID")),
        (not receipt.emaid, Finding("identity_none", "certificate")),
        (True, Finding("identity_in_clear", "certificate", "EMAID")),
    )
    return [finding for true, finding in said if true]


def _at(receipt: Receipt) -> datetime | None:
    seconds = receipt.told.meter.time_s
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _reading(receipt: Receipt) -> SignedReading:
    return SignedReading(_at(receipt), None, Moment.UNSTATED, _REGISTER, Direction.IMPORT, receipt.register_wh)


def continuity(receipts: Sequence[Receipt]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive receipts: another meter, session or contract, a rewind, time."""
    findings: list[Finding] = []
    for number, (before, after) in enumerate(pairwise(receipts), 2):
        place, old, new = f"{number}:", before.told, after.told
        if old.meter.meter_id != new.meter.meter_id:
            findings.append(Finding("meter_changed", f"{place}MeterID"))
            continue
        if (old.session_id, before.emaid) != (new.session_id, after.emaid):
            findings.append(Finding("transaction_changed", f"{place}SessionID"))
        if old.meter.time_s is not None and new.meter.time_s is not None and new.meter.time_s < old.meter.time_s:
            findings.append(Finding("time_backwards", f"{place}TMeter"))
        values = (before.register_wh, after.register_wh)
        if values[0] is not None and values[1] is not None and values[1] < values[0]:
            findings.append(Finding("register_decreasing", f"{place}MeterReading"))
    return tuple(findings)


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what receipts of one transaction say together; one that does not read: `InputError`."""
    return meaning_of([read(raw) for raw in raws])


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive receipts; one that does not read: `InputError`."""
    return continuity([read(raw) for raw in raws])


def check_at(raw: bytes, roots: Sequence[Certificate], at: datetime | None) -> Checked:
    """Check one receipt under contract roots at the time it was recorded; never raises."""
    try:
        receipt = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    verdict, reason, root = judge(receipt, roots, at)
    meaning = meaning_of([receipt])
    if at is None:
        meaning = replace(meaning, findings=(*meaning.findings, Finding("certificate_time_unchecked", "certificate")))
    return Checked(NAME, verdict, reason, meaning, root)


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one receipt under roots given in DER, at no certain time; what is no certificate among them is no root."""
    return check_at(raw, roots_among(keys), None)


def roots_among(keys: Sequence[bytes]) -> tuple[Certificate, ...]:
    """Return the certificates among `keys`."""
    found = []
    for key in keys:
        try:
            found.append(read_certificate(key))
        except InputError:
            continue
    return tuple(found)


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, continuity=between)
