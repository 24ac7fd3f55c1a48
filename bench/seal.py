"""Signatures, sealing and the chain, one by one, as multiples of one P-256 verification.

python -m bench --only seal
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from bench.measure import Row, seconds_each
from bench.messages import frame, meter_values
from msgspec import structs
from tests.support.charges import EMSP, METER_READERS, START_MS, seeded, signing_key

from wattseal.crypto.keys import Algorithm
from wattseal.seal import dcbor
from wattseal.seal.chain import MAX_LINKS, ChainHead
from wattseal.seal.fields import Meter, Ops, raw_to_fields
from wattseal.seal.groups import open_box, unwrap
from wattseal.seal.item import ZERO_HASH, ClockQuality, Group, Kind, parse_item
from wattseal.seal.plain import PlainDraft, PlainWriter, raw_bytes
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

GROUP = "Signatures, sealing, chain"
APPEND = "append a link: register and frame of 499 B, plain, as the CSMS does"
VERIFY = "P-256 verification of a 300-byte record"
RAW = frame("0b8e8d0a-7a44-4c5c-9c7b-8f0f5f3f2d11", "MeterValues", meter_values(12345678, 1500, 5))


def reading(readers: tuple[Reader, ...]) -> Draft:
    """Return a reading with register, operations and the frame of ~499 bytes it came in."""
    groups = {
        Group.METER: GroupDraft(Meter(Decimal(1500)).to_fields(), readers),
        Group.OPS: GroupDraft(Ops(station_ms=START_MS, seq_no=3).to_fields(), readers),
        Group.RAW: GroupDraft(raw_to_fields(RAW), readers),
    }
    return Draft(Kind.READING, START_MS, ClockQuality.SYNCHRONISED, groups)


def cases() -> dict[str, Callable[[], object]]:
    """Return what is measured, by name; the first is the yardstick."""
    key, ed25519 = signing_key("bench"), signing_key("bench", Algorithm.ED25519)
    message = bytes(300)
    signature, ed_signature = key.sign(message), ed25519.sign(message)
    writer = Writer.new("CPO/CS001", "CPO/log", key, seeded("bench"))
    subject = SubjectKeys.new(seeded("subject"))
    csms = PlainWriter("CPO/CS001", 1, "CPO/log", ed25519, seeded("bench"))
    fields = dcbor.encode(Meter(Decimal(1500)).to_fields())
    kept = PlainDraft(Kind.READING, START_MS, ((Group.METER, fields), (Group.RAW, raw_bytes(RAW))))
    pseudonym = bytes(16)
    head = ChainHead(0, 7, ZERO_HASH, 0, None)
    due = structs.replace(head, links=MAX_LINKS)
    plain, sealed = reading(()), reading(METER_READERS)
    started = replace(sealed, kind=Kind.STARTED)
    link = writer.append(head, 1, plain, subject)[0].encode()
    signed = writer.append(due, 1, plain, subject)[0].encode()
    handed_out = writer.append(head, 1, started, subject)[0]
    secret = unwrap(handed_out, Group.METER, EMSP)
    return {
        VERIFY: lambda: key.public.verify(message, signature),
        "P-256 signature": lambda: key.sign(message),
        "Ed25519 verification": lambda: ed25519.public.verify(message, ed_signature),
        "Ed25519 signature": lambda: ed25519.sign(message),
        APPEND: lambda: csms.append(head, kept, pseudonym),
        "append a link: 3 plain groups": lambda: writer.append(head, 1, plain, subject),
        "append a link: 3 groups sealed for 2 readers": lambda: writer.append(head, 1, sealed, subject),
        "append a signed reading: 3 plain groups": lambda: writer.append(due, 1, plain, subject),
        "append a signed start: 3 groups x 4 wraps": lambda: writer.append(head, 1, started, subject),
        "parse a link": lambda: parse_item(link),
        "parse a signed reading": lambda: parse_item(signed),
        "find one's wrap among four and open a box": lambda: open_box(
            handed_out, Group.METER, unwrap(handed_out, Group.METER, EMSP)
        ),
        "open a box, secret known": lambda: open_box(handed_out, Group.METER, secret),
    }


def measure(*, quick: bool = False) -> list[Row]:
    """Return every case in microseconds and as a multiple of the yardstick."""
    each = seconds_each(cases(), rounds=3 if quick else 15)
    return [
        Row(GROUP, name, found * 1e6, "us", None if name == VERIFY else found / each[VERIFY], "a verification")
        for name, found in each.items()
    ]
