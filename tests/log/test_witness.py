from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.log_world import (
    LOG_KEY,
    ORIGIN,
    WITNESS_KEY,
    Forest,
    c2sp,
    entries,
    entry,
    signed_checkpoint,
    signing_key,
)

from wattseal.base.errors import InputError
from wattseal.log import checkpoint, merkle, witness
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.note import Signature
from wattseal.log.witness import AddCheckpoint, Witness, WitnessResponse

NOW_S = 1_700_000_000
FOREST = Forest(entries(120))

# The example request of C2SP tlog-witness.
EXAMPLE = c2sp("add-checkpoint.txt")


@dataclass
class World:
    """A witness with its memory, as a server would keep it."""

    witness: Witness = field(default_factory=lambda: Witness(WITNESS_KEY, witness.logs_by_origin([LOG_KEY.verifier])))
    latest: dict[str, SignedCheckpoint] = field(default_factory=dict)

    def post(self, body: bytes) -> WitnessResponse:
        response = self.witness.add_checkpoint(body, self.latest.get, NOW_S)
        assert (response.update is not None) == (response.status == 200)
        if response.update is not None:
            self.latest[response.update.checkpoint.origin] = response.update
        return response

    def at(self, size: int) -> "World":
        assert self.post(request(0, size)).status == 200
        return self


def request(old: int, new: int, forest: Forest = FOREST) -> bytes:
    proof = merkle.consistency_proof(old, new, forest)
    return AddCheckpoint(old, proof, signed_checkpoint(forest, new)).encode()


def test_the_specifications_example_is_read_and_written_byte_by_byte() -> None:
    parsed = AddCheckpoint.parse(EXAMPLE)
    assert (parsed.old, len(parsed.proof), parsed.checkpoint.checkpoint.size) == (20852014, 4, 20852163)
    assert parsed.encode() == EXAMPLE


@given(st.lists(st.integers(0, 120), min_size=1, max_size=5).map(sorted))
def test_honest_growth_is_cosigned_step_by_step(sizes: list[int]) -> None:
    world, old = World(), 0
    for size in sizes:
        response = world.post(request(old, size))
        assert (response.status, response.content_type) == (200, witness.PLAIN)
        line = response.body.decode()
        assert line.startswith("— witness.test/w1 ")
        assert line.endswith("\n")
        signed = signed_checkpoint(FOREST, size).with_signatures([Signature.parse(line.rstrip("\n"))])
        (found,) = cosignatures(signed.note, [WITNESS_KEY.verifier])
        assert found.time_s == NOW_S
        old = size


def test_what_is_stored_carries_the_logs_and_the_witnesss_signature_and_no_strangers() -> None:
    world = World()
    signed = signed_checkpoint(FOREST, 9)
    stranger = Signature("stranger.test", b"abcd", bytes(64))
    assert world.post(AddCheckpoint(0, (), signed.with_signatures([stranger])).encode()).status == 200
    assert [line.name for line in world.latest[ORIGIN].note.signatures] == [ORIGIN, WITNESS_KEY.name]


def test_a_wrong_old_size_is_answered_409_with_the_size() -> None:
    for world, size in ((World(), 0), (World().at(64), 64)):
        response = world.post(request(32, 100))
        assert (response.status, response.content_type) == (409, "text/x.tlog.size")
        assert response.body == b"%d\n" % size


def test_a_rolled_back_log_is_refused() -> None:
    world = World().at(100)
    assert world.post(request(0, 60)).status == 409
    assert world.post(request(60, 60)).status == 409
    body = AddCheckpoint(100, (), signed_checkpoint(FOREST, 60)).encode()
    assert world.post(body).status == 400
    assert world.latest[ORIGIN].checkpoint.size == 100


def test_a_fork_is_refused_and_the_same_tree_is_not() -> None:
    forked = Forest([*entries(50), b"changed", *(entry(number) for number in range(51, 120))])
    world = World().at(100)
    for size in (100, 101, 120):
        assert world.post(request(100, size, forked)).status == 422
    # Negative control: the same requests over the true tree pass.
    for size in (100, 101, 120):
        assert World().at(100).post(request(100, size)).status == 200


def test_a_bad_proof_is_422() -> None:
    good = merkle.consistency_proof(50, 100, FOREST)
    for proof in ((), good[1:], good[:-1], (*good, good[0]), (bytes(32), *good[1:])):
        body = AddCheckpoint(50, proof, signed_checkpoint(FOREST, 100)).encode()
        assert World().at(50).post(body).status == 422
    spare = AddCheckpoint(0, (bytes(32),), signed_checkpoint(FOREST, 100)).encode()
    assert World().post(spare).status == 422
    repeated = AddCheckpoint(50, (bytes(32),), signed_checkpoint(FOREST, 50)).encode()
    assert World().at(50).post(repeated).status == 422


def test_an_empty_checkpoint_needs_the_root_of_nothing() -> None:
    assert World().post(request(0, 0)).status == 200
    wrong = checkpoint.sign(Checkpoint(ORIGIN, 0, bytes(32)), LOG_KEY)
    assert World().post(AddCheckpoint(0, (), wrong).encode()).status == 422
    world = World().at(0)
    assert world.post(request(0, 10)).status == 200


def test_an_unknown_origin_is_404_even_when_well_signed() -> None:
    other = signing_key("other.test/log")
    body = AddCheckpoint(0, (), signed_checkpoint(FOREST, 10, other)).encode()
    assert World().post(body).status == 404


def test_a_checkpoint_without_a_trusted_signature_or_with_a_failing_one_is_403() -> None:
    signed = signed_checkpoint(FOREST, 10)
    forged = Signature(ORIGIN, LOG_KEY.verifier.key_id, bytes(64))
    stranger = Signature(ORIGIN, b"abcd", bytes(64))
    text = signed.note.text
    bodies = {
        403: [
            type(signed.note)(text, (stranger,)),
            type(signed.note)(text, (forged,)),
            signed.note.with_signatures([forged]),
        ],
        200: [signed.note, signed.note.with_signatures([stranger])],
    }
    for status, notes in bodies.items():
        for note in notes:
            assert World().post(b"old 0\n\n" + note.encode()).status == status


def test_an_old_size_above_the_checkpoints_is_400_before_anything_is_compared() -> None:
    assert World().post(AddCheckpoint(11, (), signed_checkpoint(FOREST, 10)).encode()).status == 400


GOOD = request(50, 100).decode()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 0\n",
        GOOD.removeprefix("old 50\n"),
        GOOD.replace("old 50", "old 050"),
        GOOD.replace("old 50", "old -1"),
        GOOD.replace("old 50", "old"),
        GOOD.replace("old 50", "OLD 50"),
        GOOD.replace("old 50\n", "old 50\nAAAA\n"),
        GOOD.replace("old 50\n", "old 50\n" + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64),
        GOOD.replace("\n", "\r\n"),
        GOOD[:-1],
        GOOD.replace("\n\n", "\n"),
        "a" * (witness.MAX_REQUEST + 1),
    ],
)
def test_malformed_requests_are_400_and_change_nothing(body: str) -> None:
    world = World().at(50)
    before = dict(world.latest)
    assert world.post(body.encode()).status == 400
    assert world.latest == before


def test_a_witness_needs_a_cosignature_key_and_logs_need_log_keys() -> None:
    with pytest.raises(InputError):
        Witness(LOG_KEY, {})
    with pytest.raises(InputError):
        witness.logs_by_origin([WITNESS_KEY.verifier])
