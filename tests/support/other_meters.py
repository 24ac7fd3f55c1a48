"""Records of meters that do not speak OCMF, made and signed here: for tests without records from the field."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from wattseal.evidence.edl40 import REGISTER, UNIT_WH, EdlRecord
from wattseal.evidence.isa_edl40p import IsaReading, IsaRecord
from wattseal.evidence.sml import START, crc16

K192 = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP192R1())
K256 = ec.derive_private_key(0x1234567890ABCDEF, ec.SECP256R1())
BEGIN_S = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
SERVER = bytes.fromhex("0901454d480000112233")


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """X || Y, as meters show it."""
    numbers, width = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    return numbers.x.to_bytes(width) + numbers.y.to_bytes(width)


def raw_signature(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    width = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(width) + s.to_bytes(width)


def edl(value: int = 123_450, after_s: int = 0, page: int = 7) -> EdlRecord:
    return EdlRecord(
        server_id=SERVER,
        local_s=BEGIN_S + after_s,
        status=8,
        second_index=5000 + after_s,
        page=page,
        obis=REGISTER,
        unit=UNIT_WH,
        scaler=-1,
        value=value,
        logbook=b"\x00\x08",
        contract=b"k5zq7",
        contract_local_s=BEGIN_S - 5,
    )


def octets(data: bytes) -> bytes:
    length = len(data) + 1
    if length < 16:
        return bytes([length]) + data
    length += 1
    assert length < 256
    return bytes([0x80 | length >> 4, length & 15]) + data


def uint(value: int, width: int = 4) -> bytes:
    return bytes([0x60 | width + 1]) + value.to_bytes(width)


def integer(value: int, width: int = 8) -> bytes:
    return bytes([0x50 | width + 1]) + value.to_bytes(width, signed=True)


def items(*parts: bytes) -> bytes:
    return bytes([0x70 | len(parts)]) + b"".join(parts)


ABSENT = b"\x01"


def entry(name: str, value: bytes, *, time: bytes = ABSENT, status: bytes = ABSENT, signature: bytes = ABSENT) -> bytes:
    unit, scaler = (uint(UNIT_WH, 1), integer(-1, 1)) if status != ABSENT else (ABSENT, ABSENT)
    return items(octets(bytes.fromhex(name)), status, time, unit, scaler, value, signature)


def message(number: int, tag: int, body: bytes) -> bytes:
    content = b"\x76" + octets(bytes([number])) + uint(0, 1) * 2 + items(uint(tag), body)
    return content + b"\x63" + crc16(content) + b"\x00"


def sml_file(server: bytes, name: str, entries: list[bytes], signature: bytes) -> bytes:
    opened = items(ABSENT, octets(b"1"), octets(b"2"), octets(server), ABSENT, ABSENT)
    response = items(
        ABSENT, octets(server), octets(bytes.fromhex(name)), ABSENT, items(*entries), octets(signature), ABSENT
    )
    body = message(1, 0x101, opened) + message(2, 0x701, response) + message(3, 0x201, items(ABSENT))
    fill = -len(body) % 4
    escaped = body.replace(b"\x1b" * 4, b"\x1b" * 8)
    framed = START + escaped + bytes(fill) + b"\x1b\x1b\x1b\x1b\x1a" + bytes([fill])
    return framed + crc16(framed)


def local(seconds: int, minutes: int = 60) -> bytes:
    stamp = items(uint(seconds - 60 * minutes), integer(minutes, 2), integer(0, 2))
    return items(uint(3, 1), stamp)


def edl_sml(record: EdlRecord | None = None) -> bytes:
    record = record or edl()
    entries = [
        entry("0100011100ff", integer(record.value), time=local(record.local_s), status=uint(record.status)),
        entry("810060080001", items(uint(1, 1), items(uint(1, 1), uint(record.second_index)))),
        entry("8180817101ff", uint(record.page)),
        entry("8182815401ff", octets(record.contract), time=local(record.contract_local_s)),
    ]
    signature = raw_signature(K192, record.pack()) + record.logbook
    return sml_file(record.server_id, "0100011100ff", entries, signature)


def edl_xml(record: EdlRecord | None = None, key: ec.EllipticCurvePrivateKey = K192) -> bytes:
    record = record or edl()
    method = "ECDSA192SHA256" if key is K192 else "ECDSA256SHA256"

    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    signature = raw_signature(key, record.pack()) + record.logbook
    return (
        '<?xml version="1.0" encoding="UTF-8" ?><signedMeterValue>'
        f'<publicKey encoding="base64">{text(point(key))}</publicKey>'
        f'<meterValueSignature encoding="base64">{text(signature)}</meterValueSignature>'
        f"<signatureMethod>{method}</signatureMethod><encodingMethod>EDL</encodingMethod>"
        f'<encodedMeterValue encoding="base64">{text(record.pack())}</encodedMeterValue></signedMeterValue>'
    ).encode()


def mennekes(begin: EdlRecord | None = None, end: EdlRecord | None = None) -> bytes:
    begin, end = begin or edl(), end or edl(124_450, 600, 8)

    def measured(name: str, record: EdlRecord) -> str:
        at = datetime.fromtimestamp(record.local_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+01:00")
        return (
            f"<{name}><Timestamp>{at}</Timestamp><Signature>{raw_signature(K192, record.pack()).hex()}</Signature>"
            f"<EventCounter>{int.from_bytes(record.logbook)}</EventCounter><MeterStatus>{record.status}</MeterStatus>"
            f"<Value>{record.value}</Value><Scaler>{record.scaler}</Scaler><Pagination>{record.page}</Pagination>"
            f"<SecondIndex>{record.second_index}</SecondIndex></{name}>"
        )

    known = datetime.fromtimestamp(begin.contract_local_s, UTC).strftime("%Y-%m-%dT%H:%M:%S+01:00")
    return (
        '<Billing xmlns="http://www.mennekes.de/Mennekes.EdlVerification.xsd"><Customer><Name1>A</Name1></Customer>'
        "<BillingPeriods><BillingPeriod><ChargingProcesses><ChargingProcess>"
        f"<ServerId>{begin.server_id.hex()}</ServerId><PublicKey>{point(K192).hex()}</PublicKey>"
        f"<CustomerIdent>{begin.contract.hex()}</CustomerIdent>"
        f"<TimestampCustomerIdent>{known}</TimestampCustomerIdent>"
        f"{measured('MeasurementStart', begin)}{measured('MeasurementEnd', end)}"
        "</ChargingProcess></ChargingProcesses></BillingPeriod></BillingPeriods></Billing>"
    ).encode()


def pcdf(**changed: str) -> bytes:
    fields = {
        "ST": "260301120000",
        "CT": "260301121000",
        "CD": "001000",
        "TV": "1",
        "BV": "1",
        "CSC": "41",
        "SP": "1",
        "RV": "0003.276*kWh",
        "SI": "k5zq7*1*tx-1",
        "CS": "513f627b",
        "HW": "12345678901",
        "DT": "0",
        "PK": "04" + point(K256).hex(),
    } | changed
    payload = "128.8.0" + "".join(f"({name}:{value})" for name, value in fields.items())
    signature = K256.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
    return f"{payload}(SG:{signature.hex()})".encode()


def isa(context: int = 2, value: int = 124_450, page: int = 24, after_s: int = 600) -> bytes:
    def reading(at: int, name: str, register: int) -> IsaReading:
        return IsaReading(at, 0x18, bytes.fromhex(name), UNIT_WH, -1, register)

    record = IsaRecord(
        server_id=bytes.fromhex("09014953410000000001"),
        context=bytes.fromhex(f"81808162{context:02x}ff"),
        begin=reading(BEGIN_S, "010001080080", 123_450),
        now=reading(BEGIN_S + after_s, "0100010800ff", value),
        now_signature=bytes(range(66)),
        logbook=b"\x00\xa4",
        contract=b"k5zq7",
        service=b"ESTH".ljust(20, b"\x81"),
        page=page,
    )

    def register(told: IsaReading, signature: bytes) -> bytes:
        time = items(uint(2, 1), uint(told.utc_s))
        name = told.obis.hex()
        return entry(name, integer(told.value), time=time, status=uint(told.status, 8), signature=signature)

    entries = [
        entry("8182815401ff", octets(record.contract), time=local(BEGIN_S)),
        register(record.begin, ABSENT),
        entry("8180c7f040ff", uint(page)),
        entry("8180816101ff", octets(record.service)),
        register(record.now, octets(record.now_signature)),
    ]
    signature = raw_signature(K256, record.pack()) + record.logbook
    return sml_file(record.server_id, record.context.hex(), entries, signature)


def again(record: EdlRecord, **changed: object) -> EdlRecord:
    return replace(record, **changed)  # type: ignore[arg-type]


RECORDS: dict[str, tuple[bytes, bytes]] = {
    "EDL_40_P": (edl_sml(), point(K192)),
    "EDL_40_SIG": (edl_xml(), point(K192)),
    "EDL_40_MENNEKES": (mennekes(), point(K192)),
    "ISA_EDL_40_P": (isa(), point(K256)),
    "PCDF": (pcdf(), b"\x04" + point(K256)),
}
"""A valid record of each format, and its key."""
