"""Property tests of records, boxes and chains."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.charges import (
    ARBITER,
    CPO,
    EMSP,
    LOG,
    ORIGIN,
    START_MS,
    STRANGER,
    charge,
    meter,
    pen,
    seeded,
    signing_key,
)
from tests.support.examples import examples

from wattseal.base.errors import InputError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.seal import dcbor
from wattseal.seal.chain import MAX_LINKS, check_chain, find_forks
from wattseal.seal.fields import Meter
from wattseal.seal.groups import BoxState, Content, Opening, check_opening, open_box, pad, unpad, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.writer import SubjectKeys

KEY = signing_key("edge")


def secret_for(key: SealPrivateKey, items: list[Item], gid: int) -> bytes | None:
    found = (unwrap(item, gid, key) for item in items)
    return next((s for s in found if s is not None), None)


def registers(key: SealPrivateKey, items: list[Item]) -> list[Decimal]:
    secret = secret_for(key, items, Group.METER)
    opened = [open_box(i, Group.METER, secret) for i in items]
    return [Meter.read(Content.decode(o.content).fields).register_wh for o in opened if isinstance(o, Opening)]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_record_survives_its_encoding_and_its_key_verifies_it(algorithm: Algorithm) -> None:
    key = signing_key("edge", algorithm)
    for item in charge(pen(key=key)):
        again = parse_item(item.encode())
        assert again == item
        assert again.verify(key.public, LOG) == (item.signature is not None)


@settings(max_examples=examples(150))
@given(st.data())
def test_any_flipped_bit_of_a_signed_record_fails(data: st.DataObject) -> None:
    item = charge(pen())[0]
    raw = bytearray(item.encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    try:
        flipped = parse_item(bytes(raw))
    except InputError:
        return
    sound = flipped.verify(KEY.public, LOG) and all(
        isinstance(open_box(flipped, g, secret_for(EMSP, [flipped], g)), Opening) or g == Group.OPS
        for g in flipped.payload.groups
    )
    if sound and Group.OPS in flipped.boxes:
        sound = isinstance(open_box(flipped, Group.OPS, secret_for(CPO, [flipped], Group.OPS)), Opening)
    assert not sound


def test_a_record_made_for_one_log_is_no_record_of_another() -> None:
    item = charge(pen())[0]
    assert item.verify(KEY.public, LOG)
    assert not item.verify(KEY.public, "CPO/other-log")


def test_the_other_signature_of_the_same_ecdsa_pair_is_refused() -> None:
    item = charge(pen())[0]
    assert item.signature is not None
    r, s = item.signature.signature[:32], int.from_bytes(item.signature.signature[32:])
    twin = dataclasses.replace(item.signature, signature=r + (P256_ORDER - s).to_bytes(32))
    assert not dataclasses.replace(item, signature=twin).verify(KEY.public, LOG)


def test_readers_read_every_record_of_the_transaction_and_nobody_else_reads_one() -> None:
    items = charge(pen(), readings=12)
    expected = [Decimal(1000 + 500 * n) for n in range(14)]
    assert registers(EMSP, items) == expected
    assert registers(ARBITER, items) == expected
    assert registers(CPO, items) == []
    assert registers(STRANGER, items) == []


def test_an_opening_shows_one_record_and_no_other() -> None:
    items = charge(pen())
    secret = secret_for(EMSP, items, Group.METER)
    opening = open_box(items[1], Group.METER, secret)
    assert isinstance(opening, Opening)
    assert check_opening(items[1].payload, opening)
    assert not check_opening(items[2].payload, opening)
    other_secret = Opening(opening.payload_hash, opening.gid, opening.secret[::-1], opening.content)
    assert not check_opening(items[1].payload, other_secret)
    lower = Opening(opening.payload_hash, opening.gid, opening.secret, opening.content.replace(b"\x19", b"\x18"))
    assert not check_opening(items[1].payload, lower)


@pytest.mark.parametrize("where", ["another record", "another station", "another stream", "another transaction"])
def test_a_copied_box_opens_nowhere(where: str) -> None:
    items = charge(pen())
    victim = {
        "another record": items[2],
        "another station": charge(pen("CPO/CS002"))[1],
        "another stream": charge(pen(stream=2))[1],
        "another transaction": charge(pen(), seed="other")[1],
    }[where]
    copied = dataclasses.replace(victim, boxes={Group.METER: items[1].boxes[Group.METER]})
    secret = secret_for(EMSP, items, Group.METER)
    assert open_box(copied, Group.METER, secret) == BoxState.ALTERED
    # and if the hop also recomputes the hash the payload states, it opens to nothing all the same
    state = victim.payload.groups[Group.METER]
    forged = structs.replace(state, box_hash=items[1].payload.groups[Group.METER].box_hash)
    payload = structs.replace(victim.payload, groups={Group.METER: forged})
    rehashed = dataclasses.replace(copied, payload=payload, payload_bytes=payload.encode())
    assert open_box(rehashed, Group.METER, secret) == BoxState.DISHONEST
    # negative control: at its own place it opens
    assert isinstance(open_box(items[1], Group.METER, secret), Opening)


def test_a_signer_who_seals_other_content_than_committed_is_told_from_a_hop_that_alters_it() -> None:
    items = charge(pen())
    secret = secret_for(EMSP, items, Group.METER)
    box = items[1].boxes[Group.METER]
    altered = dataclasses.replace(items[1], boxes={Group.METER: bytes([box[0] ^ 1]) + box[1:]})
    assert open_box(altered, Group.METER, secret) == BoxState.ALTERED


def test_boxes_of_any_readers_have_the_same_size_and_four_wraps() -> None:
    one = charge(pen(), start_wh=1)[0]
    many = charge(pen(), start_wh=999_999_999)[0]
    assert len(one.boxes[Group.METER][0]) == len(many.boxes[Group.METER][0])
    assert {len(w) for w in one.boxes[Group.OPS][1]} == {80}
    assert len(one.boxes[Group.OPS][1]) == 4


@given(st.binary(max_size=9000))
def test_padding_hides_the_length_and_comes_off(content: bytes) -> None:
    padded = pad(content)
    assert unpad(padded) == content
    assert len(padded) in {64, 128, 256, 512, 1024, 2048} or len(padded) % 4096 == 0


def test_a_chain_is_unbroken_across_transactions_and_epochs() -> None:
    p = pen()
    charge(p, readings=25)
    p.write(Kind.BOOT, START_MS + 2_000_000, new_epoch=True)
    charge(p, at_ms=START_MS + 3_000_000, seed="second")
    assert check_chain(p.items) == []
    assert max(i.payload.epoch for i in p.items) == 1
    links = [i.signature is None for i in p.items]
    assert not any(all(links[n : n + MAX_LINKS + 1]) for n in range(len(links)))


def broken(how: str) -> tuple[list[Item], int]:
    """Return items broken in one way, and the index that must be named."""
    items = charge(pen(), readings=5)
    foreign = charge(pen("CPO/CS002"), readings=5)[2]
    unrelated = charge(pen(), readings=5, seed="other")[2]
    later = structs.replace(items[0].payload, epoch=7)
    from_epoch_7 = dataclasses.replace(items[0], payload=later, payload_bytes=later.encode())
    cases = {
        "missing_item": ([*items[:3], *items[4:]], 3),
        "doubled_item": ([*items[:3], items[2], *items[3:]], 3),
        "swapped_item": ([*items[:2], items[3], items[2], *items[4:]], 2),
        "unsigned_tail": (items[:4], 3),
        "unsigned_start": (items[2:], 0),
        "foreign_item": ([*items[:2], foreign, *items[3:]], 2),
        "prev_mismatch": ([*items[:2], unrelated, *items[3:]], 2),
        "epoch_reset": ([from_epoch_7, *items[1:]], 1),
    }
    return cases[how]


@pytest.mark.parametrize(
    "how",
    [
        "missing_item",
        "doubled_item",
        "swapped_item",
        "unsigned_tail",
        "unsigned_start",
        "foreign_item",
        "prev_mismatch",
        "epoch_reset",
    ],
)
def test_a_broken_chain_fails_and_names_the_place(how: str) -> None:
    items, index = broken(how)
    problems = check_chain(items)
    assert problems
    assert problems[0].index == index
    assert problems[0].place == items[index].payload.place
    accepted = {how, "missing_item"} if how == "swapped_item" else {how}
    assert problems[0].code in accepted


def test_an_unsigned_stop_and_too_many_links_are_named() -> None:
    p = pen()
    items = charge(p, readings=12)
    signed = next(n for n, i in enumerate(items) if n and i.signature is not None)
    stripped = dataclasses.replace(items[signed], signature=None)
    assert check_chain([*items[:signed], stripped, *items[signed + 1 :]])[0].code == "too_many_links"
    unsigned_stop = [*items[:-1], dataclasses.replace(items[-1], signature=None)]
    assert {p.code for p in check_chain(unsigned_stop)} >= {"unsigned_kind", "unsigned_tail"}


def test_a_signature_is_due_after_300_seconds() -> None:
    p = pen()
    subject = SubjectKeys.new(seeded("slow"))
    p.write(Kind.BOOT, START_MS)
    p.write(Kind.STARTED, START_MS, subject, groups={Group.METER: meter("0")})
    late = [p.write(Kind.READING, START_MS + n * 200_000, subject) for n in (1, 2, 3)]
    assert [i.signature is not None for i in late] == [False, False, True]
    overdue = [*p.items[:-1], dataclasses.replace(p.items[-1], signature=None)]
    assert check_chain(overdue)[0].code == "signature_overdue"


def test_two_branches_yield_a_fork_proof() -> None:
    one, other = pen(), pen()
    charge(one)
    charge(other, start_wh=900)
    forks = find_forks([*one.items, *other.items])
    assert forks
    assert forks[0].first.payload.place == forks[0].second.payload.place
    assert forks[0].first.verify(KEY.public, LOG)
    assert forks[0].second.verify(KEY.public, LOG)
    assert find_forks([*one.items, *one.items]) == []


def test_a_chain_starts_with_a_boot_record() -> None:
    with pytest.raises(InputError):
        pen().write(Kind.STARTED, START_MS)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        *[(1, 2), (2, 64), (3, "CPO"), (3, "C/" + "x" * 80), (4, -1), (4, 2**16), (5, True), (6, 2**53)],
        *[(7, b"short"), (8, [1]), (8, [1, 4]), (9, b"x"), (10, {}), (10, {9: [bytes(32), None]}), (11, [])],
        *[(11, [b""]), (12, {}), (13, 1), (63, 1)],
    ],
)
def test_a_payload_of_another_shape_is_refused(number: int, value: object) -> None:
    fields = dcbor.decode(charge(pen())[0].payload_bytes)
    with pytest.raises(InputError):
        parse_item(dcbor.encode([dcbor.encode(fields | {number: value}), {}]))


def test_unknown_fields_from_64_on_are_ignored_and_still_signed() -> None:
    fields = dcbor.decode(charge(pen())[0].payload_bytes)
    more = dcbor.encode(fields | {64: "later"})
    assert parse_item(dcbor.encode([more, {}])).payload_bytes == more
    assert ORIGIN in parse_item(dcbor.encode([more, {}])).payload.origin
