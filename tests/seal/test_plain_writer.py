"""The quick writer and the general one make records that nobody can tell apart."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.examples import examples

from wattseal.base.errors import InputError
from wattseal.base.units import from_exponent_mantissa
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.seal import dcbor
from wattseal.seal.chain import NO_HEAD, ChainHead, check_chain
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import MAX_REFS, ClockQuality, Item, Kind, parse_item, sign_payload
from wattseal.seal.plain import PlainDraft, PlainWriter, raw_bytes

LOG = "CPO/log"
KEYS = [SigningKey.from_seed(a, hashlib.sha256(b"plain").digest()) for a in Algorithm]
FIELDS = st.dictionaries(
    st.integers(0, 300),
    st.one_of(st.integers(-(2**63), 2**63), st.binary(max_size=40), st.text(max_size=20), st.none(), st.booleans()),
    max_size=3,
)

OPS = {
    field.encode_name: st.one_of(
        st.none(), st.integers(0, 2**63), st.text(max_size=20), st.binary(max_size=20), st.booleans()
    )
    for field in structs.fields(Ops)
}
"""Whatever may stand in each place: a field's own type, or another's."""


class Counted:
    """Bytes that never repeat."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, n: int) -> bytes:
        self.calls += 1
        return hashlib.shake_256(self.calls.to_bytes(8)).digest(n)


@settings(max_examples=examples(60))
@given(
    key=st.sampled_from(KEYS),
    stream=st.integers(0, 65535),
    epoch=st.integers(0, 2**40),
    seq=st.integers(-1, 2**40),
    ms=st.integers(0, 2**50),
    kind=st.sampled_from(list(Kind)),
    contents=st.dictionaries(st.integers(1, 5), FIELDS, max_size=3),
    refs=st.lists(st.binary(min_size=32, max_size=32), max_size=3),
    public=FIELDS,
    subject=st.one_of(st.none(), st.binary(min_size=16, max_size=16)),
    links=st.integers(0, 9),
)
def test_a_record_parses_to_what_was_said_in_the_one_encoding(
    *,
    key: SigningKey,
    stream: int,
    epoch: int,
    seq: int,
    ms: int,
    kind: Kind,
    contents: dict[int, dict[int, object]],
    refs: list[bytes],
    public: dict[int, object],
    subject: bytes | None,
    links: int,
) -> None:
    kind = Kind.BOOT if seq == -1 else kind
    head = ChainHead(epoch, seq, hashlib.sha256(b"before").digest(), links, None)
    groups = [(gid, dcbor.encode(fields)) for gid, fields in sorted(contents.items())]
    draft = PlainDraft(kind, ms, groups, tuple(refs), dcbor.encode(public) if public else b"")
    written, after = PlainWriter("CPO/ST1", stream, LOG, key, Counted()).append(head, draft, subject)
    item = parse_item(written.item)
    payload = item.payload
    assert item.encode() == written.item
    assert payload.encode() == item.payload_bytes
    assert (item.hash, item.leaf_entry()) == (written.hash, written.leaf)
    assert payload.place == ("CPO/ST1", stream, epoch, seq + 1)
    assert (payload.kind, payload.ms, payload.clock) == (kind, ms, ClockQuality.SYNCHRONISED)
    assert (payload.subject, payload.refs, dict(payload.public)) == (subject, tuple(refs), public)
    for gid, fields in contents.items():
        opened = open_box(item, gid, None)
        assert isinstance(opened, Opening)
        assert Content.decode(opened.content) == Content((), fields)
    assert after == head.after(item)
    if item.signature is not None:
        assert item.verify(key.public, LOG)
        assert sign_payload(payload, key, LOG, item.boxes).payload_bytes == item.payload_bytes


def test_a_chain_of_quick_records_is_unbroken() -> None:
    writer = PlainWriter("CPO/ST1", 1, LOG, KEYS[0], Counted())
    head, items = NO_HEAD, list[Item]()
    kinds = [Kind.BOOT, Kind.STARTED, *[Kind.READING] * 25, Kind.ENDED]
    for ms, kind in enumerate(kinds):
        written, head = writer.append(head, PlainDraft(kind, ms, ((5, raw_bytes(b"frame")),)), bytes(16))
        items.append(parse_item(written.item))
    assert check_chain(items) == []


def test_no_record_refers_to_more_others_than_a_reader_takes() -> None:
    writer = PlainWriter("CPO/ST1", 1, LOG, KEYS[0], Counted())
    _, head = writer.append(NO_HEAD, PlainDraft(Kind.BOOT, 1), None)
    refs = tuple(bytes([n]) * 32 for n in range(MAX_REFS + 1))
    written, _ = writer.append(head, PlainDraft(Kind.ENDED, 2, (), refs[1:]), None)
    assert parse_item(written.item).payload.refs == refs[1:]
    with pytest.raises(InputError):
        writer.append(head, PlainDraft(Kind.ENDED, 2, (), refs), None)


def test_no_chain_begins_without_a_boot_record() -> None:
    writer = PlainWriter("CPO/ST1", 1, LOG, KEYS[0], Counted())
    with pytest.raises(InputError):
        writer.append(NO_HEAD, PlainDraft(Kind.READING, 0), None)


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 65_000])
def test_frames_of_every_length_are_told_exactly(size: int) -> None:
    assert dcbor.decode(raw_bytes(b"x" * size), 70_000) == {1: b"x" * size}


@settings(max_examples=examples(60))
@given(st.builds(Ops, **OPS))
def test_what_running_a_station_needs_is_spelt_alike_by_both(ops: Ops) -> None:
    assert ops.encode() == dcbor.encode(ops.to_fields())


@settings(max_examples=examples(60))
@given(
    exponent=st.integers(-12, 12),
    mantissa=st.integers(-(2**63) + 1, 2**63 - 1),
    obis=st.integers(1, 300),
)
def test_a_register_is_spelt_alike_by_both(exponent: int, mantissa: int, obis: int) -> None:
    meter = Meter(from_exponent_mantissa(exponent, mantissa), obis)
    assert meter.encode() == dcbor.encode(meter.to_fields())
