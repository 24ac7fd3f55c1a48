"""A vehicle that signs metering receipts: EXI written here, by the grammars, and a contract of a test's own PKI."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from tests.support.pki import Ca, Leaf, new_key, subject

from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.evidence.iso15118_exi import CANONICAL_EXI, ECDSA_SHA256, SHA256, MeterInfo, MeteringReceipt, SignedInfo
from wattseal.evidence.iso15118_receipt import encode

EMAID = "DETSTC00012345"
SESSION = bytes.fromhex("5e43ebdf7b787c05")


class Bits:
    def __init__(self) -> None:
        self.value, self.count = 0x80, 8

    def put(self, width: int, value: int) -> "Bits":
        self.value, self.count = self.value << width | value, self.count + width
        return self

    def unsigned(self, value: int) -> "Bits":
        while value >= 0x80:
            self.put(8, 0x80 | value & 0x7F)
            value >>= 7
        return self.put(8, value)

    def text(self, text: str) -> "Bits":
        self.unsigned(len(text) + 2)
        for character in text:
            self.unsigned(ord(character))
        return self

    def octets(self, data: bytes) -> "Bits":
        self.unsigned(len(data))
        for byte in data:
            self.put(8, byte)
        return self

    def integer(self, value: int) -> "Bits":
        return self.put(1, int(value < 0)).unsigned(-value - 1 if value < 0 else value)

    def method(self, algorithm: str, width: int, end: int) -> "Bits":
        return self.put(1, 0).text(algorithm).put(width, end)

    def done(self) -> bytes:
        fill = -self.count % 8
        return (self.value << fill).to_bytes((self.count + fill) // 8)


def receipt_exi(told: MeteringReceipt) -> bytes:
    bits = Bits().put(8, 121).put(2, 0).text(told.id).put(1, 0)
    bits.put(1, 0).octets(told.session_id).put(1, 0)
    if told.schedule_tuple_id is None:
        bits.put(2, 1)
    else:
        bits.put(2, 0).put(1, 0).put(8, told.schedule_tuple_id - 1).put(1, 0).put(1, 0)
    meter = told.meter
    bits.put(1, 0).put(1, 0).text(meter.meter_id).put(1, 0)
    values = (meter.reading_wh, meter.signature, meter.status, meter.time_s)
    writers = (bits.unsigned, bits.octets, bits.integer, bits.integer)
    state = 0
    for index, (value, write) in enumerate(zip(values, writers, strict=True)):
        if value is not None:
            bits.put((5 - state).bit_length(), index - state).put(1, 0)
            write(value)  # type: ignore[operator]
            bits.put(1, 0)
            state = index + 1
    bits.put((5 - state).bit_length(), 4 - state)
    return bits.put(1, 0).put(8, 244).done()


def signed_info_exi(signed: SignedInfo) -> bytes:
    bits = Bits().put(6, 32).put(2, 1)
    bits.method(signed.canonicalization, 2, 1).put(1, 0).method(signed.signature_method, 3, 2).put(1, 0)
    bits.put(3, 2).text(signed.uri)
    if signed.transforms:
        bits.put(2, 0).put(1, 0).method(signed.transforms[0], 3, 2)
        for transform in signed.transforms[1:]:
            bits.put(2, 0).method(transform, 3, 2)
        bits.put(2, 1).put(1, 0)
    else:
        bits.put(2, 1)
    bits.method(signed.digest_method, 2, 1).put(1, 0)
    return bits.put(1, 0).octets(signed.digest).put(1, 0).put(1, 0).put(2, 1).put(6, 46).done()


@dataclass
class Vehicle:
    """A vehicle with its contract, and the chain of it."""

    root: Ca
    sub: Ca
    contract: Leaf
    session: bytes = SESSION
    meter_id: str = "METER-1"
    chain: tuple[bytes, ...] = field(init=False)

    def __post_init__(self) -> None:
        parts = (self.contract.certificate, self.sub.certificate)
        self.chain = tuple(c.public_bytes(serialization.Encoding.DER) for c in parts)

    @property
    def roots(self) -> tuple[Certificate, ...]:
        return (read_certificate(self.root.certificate.public_bytes(serialization.Encoding.DER)),)

    def told(self, register_wh: int | None, time_s: int | None = None) -> MeteringReceipt:
        return MeteringReceipt("id1", self.session, 1, MeterInfo(self.meter_id, register_wh, b"s" * 64, None, time_s))

    def sign(self, told: MeteringReceipt, **changed: object) -> bytes:
        """A receipt; `changed` are fields of SignedInfo that this vehicle writes otherwise."""
        fragment = receipt_exi(told)
        fields = {
            "canonicalization": CANONICAL_EXI,
            "signature_method": ECDSA_SHA256,
            "uri": f"#{told.id}",
            "transforms": (CANONICAL_EXI,),
            "digest_method": SHA256,
            "digest": hashlib.sha256(fragment).digest(),
        } | changed
        info = signed_info_exi(SignedInfo(**fields))  # type: ignore[arg-type]
        key = self.contract.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        r, s = decode_dss_signature(key.sign(info, ec.ECDSA(hashes.SHA256())))
        return encode(fragment, info, r.to_bytes(32) + s.to_bytes(32), self.chain)

    def receipt(self, register_wh: int | None, time_s: int | None = None) -> bytes:
        return self.sign(self.told(register_wh, time_s))


VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC))
"""Long enough for every time that tests set."""


def authority(name: str, above: Ca | None = None) -> Ca:
    key = new_key()
    issuer = above or Ca(None, key)  # type: ignore[arg-type] # signs itself
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(name))
        .issuer_name(subject(name) if above is None else above.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(VALID[0])
        .not_valid_after(VALID[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return Ca(builder.sign(issuer.key, hashes.SHA256()), key)


@cache
def vehicle() -> Vehicle:
    root = authority("MO Root")
    sub = authority("MO Sub", root)
    return Vehicle(root, sub, sub.issue(subject(EMAID), valid=VALID))
