import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.log_world import LOG_KEY, WITNESS_KEY, Forest, entries, entry, signed_checkpoint, signing_key

from wattseal.base.errors import InputError
from wattseal.log import merkle, proof
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType
from wattseal.log.proof import TlogProof
from wattseal.model.verdict import Verdict

FOREST = Forest(entries(109))
SIGNED = signed_checkpoint(FOREST, 109)
COSIGNED = SIGNED.with_signatures([cosign(SIGNED.note.text, WITNESS_KEY, 1_700_000_000)])
GOOD = TlogProof(73, merkle.inclusion_proof(73, 109, FOREST), COSIGNED)
LOGS, WITNESSES = [LOG_KEY.verifier], [WITNESS_KEY.verifier]
TEXT = GOOD.encode().decode()
GOOD_PARTS = [
    b"\n",
    b"\n\n",
    b"0",
    b"=",
    b" ",
    b"A",
    b"extra AA==\n",
    b"index 73\n",
    *GOOD.encode().splitlines(keepends=True),
]

# The example of C2SP tlog-proof with its abridged parts (extra data, signatures) left out or made whole.
HASHES = """gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=
"""
CHECKPOINT = """example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJwAAAAA=
"""


@pytest.mark.parametrize(("line", "extra"), [("", None), ("extra AAEC\n", b"\0\1\2"), ("extra \n", b"")])
def test_the_specifications_layout_is_read_and_written_byte_by_byte(line: str, extra: bytes | None) -> None:
    data = f"c2sp.org/tlog-proof@v1\n{line}index 73894\n{HASHES}\n{CHECKPOINT}".encode()
    parsed = TlogProof.parse(data)
    assert (parsed.index, len(parsed.hashes), parsed.extra) == (73894, 5, extra)
    assert parsed.checkpoint.checkpoint.size == 109482
    assert parsed.encode() == data


def test_a_proof_of_a_single_leaf_has_no_hash_lines() -> None:
    alone = TlogProof(0, (), signed_checkpoint(FOREST, 1))
    assert TlogProof.parse(alone.encode()) == alone
    assert proof.check(alone, entry(0), LOGS, []).verdict is Verdict.VALID


def test_a_good_proof_names_its_witness_and_its_time() -> None:
    checked = proof.check(TlogProof.parse(GOOD.encode()), entry(73), LOGS, WITNESSES)
    assert (checked.verdict, checked.reason) == (Verdict.VALID, "")
    assert [(found.key.name, found.time_s) for found in checked.cosigned] == [("witness.test/w1", 1_700_000_000)]


def test_another_entry_or_index_is_not_included() -> None:
    assert proof.check(GOOD, entry(72), LOGS, WITNESSES).reason == "not_included"
    moved = TlogProof(72, GOOD.hashes, COSIGNED)
    assert proof.check(moved, entry(73), LOGS, WITNESSES).verdict is Verdict.INVALID


def test_a_log_nobody_trusts_is_unknown_and_one_with_the_same_name_too() -> None:
    namesake = signing_key("other.test/log").verifier
    assert proof.check(GOOD, entry(73), [namesake], WITNESSES).reason == "unknown_log"
    assert proof.check(GOOD, entry(73), [], WITNESSES).verdict is Verdict.UNKNOWN_KEY


def test_a_trusted_log_cannot_vouch_for_another_logs_origin() -> None:
    other = signing_key("other.test/log")
    theirs = signed_checkpoint(FOREST, 109, other)
    ours = TlogProof(73, GOOD.hashes, theirs)
    assert proof.check(ours, entry(73), LOGS, WITNESSES).reason == "unknown_log"
    assert proof.check(ours, entry(73), [other.verifier], WITNESSES).verdict is Verdict.VALID


def test_a_witness_does_not_pass_for_the_log() -> None:
    as_witness = signing_key(LOG_KEY.name, SignatureType.COSIGNATURE_ED25519)
    only_cosigned = TlogProof(73, GOOD.hashes, COSIGNED)
    assert proof.check(only_cosigned, entry(73), [as_witness.verifier], WITNESSES).verdict is Verdict.UNKNOWN_KEY


@given(st.integers(0, len(GOOD.encode()) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_leaves_the_proof_valid_and_witnessed(at: int, bit: int) -> None:
    changed = bytearray(GOOD.encode())
    changed[at] ^= 1 << bit
    try:
        checked = proof.check(TlogProof.parse(bytes(changed)), entry(73), LOGS, WITNESSES)
    except InputError:
        return
    assert checked.verdict is not Verdict.VALID or not checked.cosigned


@given(st.integers(0, len(GOOD.encode())), st.integers(0, 3), st.binary(max_size=4) | st.sampled_from(GOOD_PARTS))
def test_a_parsed_proof_is_the_bytes_it_came_from(at: int, left_out: int, put_in: bytes) -> None:
    data = GOOD.encode()
    changed = data[:at] + put_in + data[at + left_out :]
    try:
        parsed = TlogProof.parse(changed)
    except InputError:
        return
    assert parsed.encode() == changed


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        TEXT.replace("index 73", "index 073"),
        TEXT.replace("index 73", "index  73"),
        TEXT.replace("index 73\n", ""),
        TEXT.replace("index 73\n", "index 73\nextra AAAA\n"),
        TEXT.replace("index 73\n", "extra AAA\nindex 73\n"),
        TEXT.replace("index 73\n", "extra\nindex 73\n"),
        TEXT.replace("index 73\n", "extra AAAA\nextra AAAA\nindex 73\n"),
        TEXT.replace("\n", "\r\n"),
        TEXT.partition("\n\n")[0],
        TEXT.partition("\n\n")[0] + "\n\n",
        TEXT + "\n",
        TEXT.replace("index 73\n", "index 73\n" + (HASHES * 13)),
        "a" * (proof.MAX_PROOF_BYTES + 1),
    ],
)
def test_malformed_proofs_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        TlogProof.parse(text.encode())
