import pytest
from tests.log.log_world import LOG_KEY, ORIGIN, WITNESS_KEY, Forest, c2sp, entries, signed_checkpoint, signing_key

from wattseal.base.errors import InputError
from wattseal.log import checkpoint, note
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign, cosignatures
from wattseal.log.keys import SignatureType, cosigned_message
from wattseal.log.note import Signature
from wattseal.model.verdict import Verdict

# The example of C2SP tlog-cosignature, whose first signature line is that of tlog-checkpoint.
EXAMPLE = c2sp("cosigned-checkpoint.txt")

FOREST = Forest(entries(40))
SIGNED = signed_checkpoint(FOREST, 40)


def test_the_specifications_example_is_read_and_written_byte_by_byte() -> None:
    parsed = SignedCheckpoint.parse(EXAMPLE)
    assert (parsed.checkpoint.origin, parsed.checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert parsed.checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert parsed.checkpoint.text() == parsed.note.text
    assert parsed.encode() == EXAMPLE


def test_the_examples_cosignature_signs_the_message_the_specification_shows() -> None:
    line = SignedCheckpoint.parse(EXAMPLE).note.signatures[1]
    assert len(line.signature) == 72
    time_s = int.from_bytes(line.signature[:8], "big")
    assert cosigned_message(SignedCheckpoint.parse(EXAMPLE).note.text, time_s) == (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


ROOT_LINE = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"a\n1\n{ROOT_LINE}",
        f"\n1\n{ROOT_LINE}\n",
        "a\n1\n",
        f"a\n01\n{ROOT_LINE}\n",
        f"a\n-1\n{ROOT_LINE}\n",
        f"a\n+1\n{ROOT_LINE}\n",
        f"a\n1 \n{ROOT_LINE}\n",
        f"a\n\u0661\n{ROOT_LINE}\n",
        f"a\n1_0\n{ROOT_LINE}\n",
        f"a\n9223372036854775808\n{ROOT_LINE}\n",
        f"a\n99999999999999999999\n{ROOT_LINE}\n",
        "a\n1\nAAAA\n",
        f"a\n1\n{ROOT_LINE[:-1]}\n",
        f"a\n1\n{ROOT_LINE[:-2]}J=\n",
        f"a\n1\n{ROOT_LINE}\n\n",
        f"a\n1\n{ROOT_LINE}\n\nextension\n",
        f"a\r\n1\n{ROOT_LINE}\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Checkpoint.parse(text.encode())


def test_extension_lines_are_read_kept_and_never_signed_by_us() -> None:
    text = f"{ORIGIN}\n0\n{ROOT_LINE}\nextension one\nextension two\n".encode()
    parsed = Checkpoint.parse(text)
    assert parsed.extensions == ("extension one", "extension two")
    assert parsed.text() == text
    with pytest.raises(InputError):
        checkpoint.sign(parsed, LOG_KEY)


def test_a_log_signs_under_its_own_origin_only() -> None:
    assert note.check(SIGNED.note, [LOG_KEY.verifier]).verdict is Verdict.VALID
    with pytest.raises(InputError):
        checkpoint.sign(SIGNED.checkpoint, signing_key("another.test/log"))


def test_a_cosignature_says_who_saw_it_and_when() -> None:
    cosigned = SIGNED.with_signatures([cosign(SIGNED.note.text, WITNESS_KEY, 1679315147)])
    (found,) = cosignatures(cosigned.note, [WITNESS_KEY.verifier, LOG_KEY.verifier])
    assert (found.key, found.time_s) == (WITNESS_KEY.verifier, 1679315147)


def test_a_cosignature_moved_to_another_time_or_checkpoint_counts_for_nothing() -> None:
    line = cosign(SIGNED.note.text, WITNESS_KEY, 1679315147)
    later = Signature(line.name, line.key_id, (1679315148).to_bytes(8, "big") + line.signature[8:])
    assert cosignatures(SIGNED.with_signatures([later]).note, [WITNESS_KEY.verifier]) == ()
    smaller = signed_checkpoint(FOREST, 39).with_signatures([line])
    assert cosignatures(smaller.note, [WITNESS_KEY.verifier]) == ()
    for size in (0, 7, 8, 71, 73):
        cut = Signature(line.name, line.key_id, (line.signature + b"\0")[:size] or b"\0")
        assert cosignatures(SIGNED.with_signatures([cut]).note, [WITNESS_KEY.verifier]) == ()


def test_a_log_cannot_void_a_witness_with_a_forged_line_of_another() -> None:
    other = signing_key("witness.test/w2", SignatureType.COSIGNATURE_ED25519)
    forged = Signature(other.name, other.verifier.key_id, bytes(72))
    both = SIGNED.with_signatures([forged, cosign(SIGNED.note.text, WITNESS_KEY, 5)])
    assert [found.key for found in cosignatures(both.note, [other.verifier, WITNESS_KEY.verifier])] == [
        WITNESS_KEY.verifier
    ]


@pytest.mark.parametrize("time_s", [0, -1, 2**63])
def test_a_cosignature_needs_a_posix_time(time_s: int) -> None:
    with pytest.raises(InputError):
        cosign(SIGNED.note.text, WITNESS_KEY, time_s)
