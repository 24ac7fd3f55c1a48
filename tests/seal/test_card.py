"""What a card signs: one change to what it is for, and the same signature proves nothing any more."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.charges import seeded

from wattseal.crypto.keys import P256_ORDER, Algorithm, with_low_s
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.token import IdToken
from wattseal.seal import dcbor
from wattseal.seal.card import (
    MAX_AGE_MS,
    NOT_PROVED,
    OF_ANOTHER,
    STALE,
    CardProof,
    Challenge,
    check_proof,
    read_proof,
)
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Identity
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys, Writer

LOG, AT_MS = "CPO/log", 1_800_000_000_000
CARD = SoftwareCard("04A2B3C4D5E680", b"c" * 32)
WRITER = Writer.new("CPO/ST1", LOG, CARD._key, seeded("writer"))
NONCE = b"n" * 16
MADE = Challenge(LOG, "CPO/ST1", 0, b"h" * 32, b"s" * 16, 1, NONCE, AT_MS, CARD.token)

elsewhere = st.one_of(
    st.builds(lambda v: replace(MADE, log_origin=v), st.text(min_size=1)),
    st.builds(lambda v: replace(MADE, origin=v), st.text(min_size=1)),
    st.builds(lambda v: replace(MADE, stream=v), st.integers(0, 65535)),
    st.builds(lambda v: replace(MADE, head=v), st.binary(min_size=32, max_size=32)),
    st.builds(lambda v: replace(MADE, subject=v), st.binary(min_size=16, max_size=16)),
    st.builds(lambda v: replace(MADE, evse_id=v), st.integers(0, 9999)),
    st.builds(lambda v: replace(MADE, nonce=v), st.binary(min_size=16, max_size=16)),
    st.builds(lambda v: replace(MADE, made_ms=v), st.integers(0, 2**52)),
    st.builds(lambda v: replace(MADE, token=IdToken(v, "ISO14443")), st.text(min_size=1)),
)


@given(elsewhere)
def test_an_answer_is_good_for_the_one_challenge_it_was_made_for(other: Challenge) -> None:
    signature = CARD.answer(MADE.message(CARD.spki))
    same = replace(other, token=MADE.token) == MADE and other.token.key() == MADE.token.key()
    assert MADE.is_answered(CARD.spki, signature)
    assert other.is_answered(CARD.spki, signature) is same


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_both_kinds_of_keys_that_sign_records_may_be_a_cards(algorithm: Algorithm) -> None:
    card = SoftwareCard("X", b"d" * 32, algorithm)
    assert MADE.is_answered(card.spki, card.answer(MADE.message(card.spki)))
    assert not MADE.is_answered(CARD.spki, card.answer(MADE.message(CARD.spki)))
    assert not MADE.is_answered(card.spki, CARD.answer(MADE.message(CARD.spki)))


def test_a_key_that_cannot_be_used_proves_nothing() -> None:
    assert not MADE.is_answered(b"no key", bytes(64))
    assert not MADE.is_answered(CARD.spki, b"")


def test_the_other_spelling_of_a_signature_is_put_right_by_the_readers_side_and_refused_by_the_verifier() -> None:
    signature = CARD.answer(MADE.message(CARD.spki))
    twin = signature[:32] + (P256_ORDER - int.from_bytes(signature[32:])).to_bytes(32)
    assert not MADE.is_answered(CARD.spki, twin)
    assert with_low_s(Algorithm.ESP256, twin) == signature == with_low_s(Algorithm.ESP256, signature)
    assert with_low_s(Algorithm.ED25519, twin) == twin


def request(proof: CardProof | None, ms: int = AT_MS) -> tuple[Item, Identity]:
    head = WRITER.append(NO_HEAD, 0, Draft(Kind.BOOT, AT_MS, ClockQuality.SYNCHRONISED), None)[1]
    identity = Identity(CARD.token.value, "ISO14443", None if proof is None else proof.shown())
    groups = {Group.IDENTITY: GroupDraft(identity.to_fields())}
    draft = Draft(Kind.REQUEST, ms, ClockQuality.SYNCHRONISED, groups)
    return WRITER.append(head, 0, draft, SubjectKeys(b"s" * 16, bytes(32)))[0], identity


def proof(made_ms: int = AT_MS, evse_id: int = 1) -> CardProof:
    head = request(None)[0].payload.prev
    asked = replace(MADE, head=head, made_ms=made_ms, evse_id=evse_id)
    return asked.proof(CARD.answer(asked.message(CARD.spki)))


def test_a_request_proves_its_card_by_what_it_says_of_itself() -> None:
    assert check_proof(*request(proof()), 1, LOG, CARD.spki) is None
    assert check_proof(*request(proof(evse_id=0)), 0, LOG, CARD.spki) is None
    assert check_proof(*request(None), 1, LOG, CARD.spki) == NOT_PROVED
    assert check_proof(*request(proof()), 1, "CPO/other-log", CARD.spki) == OF_ANOTHER
    assert check_proof(*request(proof()), 2, LOG, CARD.spki) == OF_ANOTHER
    assert check_proof(*request(proof()), 1, LOG, SoftwareCard("X", b"e" * 32).spki) == OF_ANOTHER


@pytest.mark.parametrize("age_ms", [-1, MAX_AGE_MS + 1])
def test_a_challenge_is_answered_within_a_minute_before_its_request(age_ms: int) -> None:
    assert check_proof(*request(proof(AT_MS - age_ms)), 1, LOG, CARD.spki) == STALE


@pytest.mark.parametrize(
    "value",
    [[1], [b"", 1, b"", b""], [True, 1, b"", b""], [-1, 1, b"", b""], [1, -1, b"", b""], [1, 1, b"", b"", 1], {}, "x"],
)
def test_a_proof_of_another_shape_is_none(value: object) -> None:
    assert read_proof(Identity("X", "ISO14443", ("card", dcbor.encode(value)))) is None
    assert read_proof(Identity("X", "ISO14443", ("card", b"\xff"))) is None


def test_a_proof_reads_back_and_what_is_shown_else_is_none() -> None:
    made = CardProof(1, 2, NONCE, b"s" * 64)
    assert read_proof(Identity("X", "ISO14443", made.shown())) == made
    assert read_proof(Identity("X", "ISO14443", ("code", made.shown()[1]))) is None
    assert len(made.reference) == 32
