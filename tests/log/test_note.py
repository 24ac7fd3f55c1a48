import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.log.log_world import LOG_KEY, ORIGIN, WITNESS_KEY, signing_key

from wattseal.base.errors import InputError, LimitError
from wattseal.log import note
from wattseal.log.keys import SignatureType, SigningKey, VerifierKey
from wattseal.log.note import Note, Signature
from wattseal.model.verdict import Verdict

# The examples of C2SP signed-note.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
WITH_EMPTY_LINES = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()
TEXT = b"first\n\nthird line\n"


def test_the_specifications_example_verifies_under_its_vkey() -> None:
    key = VerifierKey.parse(VKEY)
    assert str(key) == VKEY
    parsed = Note.parse(EXAMPLE)
    assert parsed.text == b"This is an example message.\n"
    assert parsed.encode() == EXAMPLE
    checked = note.check(parsed, [key])
    assert (checked.verdict, [k for k, _ in checked.good]) == (Verdict.VALID, [key])


def test_text_is_split_at_the_last_empty_line() -> None:
    parsed = Note.parse(WITH_EMPTY_LINES)
    assert parsed.text.decode().endswith("raggio di sole:\n\ned è subito sera.\n")
    assert parsed.encode() == WITH_EMPTY_LINES
    assert note.check(parsed, [VerifierKey.parse(VKEY)]).verdict is Verdict.UNKNOWN_KEY


@given(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 7))
def test_no_flipped_bit_leaves_a_note_valid(at: int, bit: int) -> None:
    changed = bytearray(EXAMPLE)
    changed[at] ^= 1 << bit
    try:
        checked = note.check(Note.parse(bytes(changed)), [VerifierKey.parse(VKEY)])
    except InputError:
        return
    assert checked.verdict is not Verdict.VALID


@given(st.binary(max_size=300))
def test_a_parsed_note_is_the_bytes_it_came_from(data: bytes) -> None:
    head = EXAMPLE[: len(data) // 2]
    for candidate in (data, head + data, data + EXAMPLE):
        try:
            parsed = Note.parse(candidate)
        except InputError:
            continue
        assert parsed.encode() == candidate


LINE = EXAMPLE.decode().split("\n")[2]


def named(name: str) -> str:
    line = LINE.replace("example.com/foo", name)
    return f"text\n\n{line}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        f"text\n{LINE}\n",
        f"text\n\n{LINE}",
        f"text\n\n{LINE}\n\n",
        f"text\n\n{LINE} \n",
        f"text\n\n{LINE}\r\n",
        f"te\txt\n\n{LINE}\n",
        f"te\0xt\n\n{LINE}\n",
        f"text\n\n{LINE.replace('—', '-')}\n",
        named(""),
        named("a+b"),
        named("a\u00a0b"),
        named("a\u2003b"),
        f"text\n\n{LINE[:-1]}\n",
        f"text\n\n{LINE[:-2]}N=\n",
        f"text\n\n{LINE.replace('+', '-')}x\n",
        "text\n\n— a AAAAAA==\n",
        "text\n\n— a\n",
        "text\n\n— a  AAAAAAA=\n",
    ],
)
def test_malformed_notes_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Note.parse(text.encode())


def test_notes_are_utf8_and_base64_is_canonical() -> None:
    with pytest.raises(InputError):
        Note.parse(b"te\xffxt\n\n" + LINE.encode() + b"\n")
    Note.parse("text\n\n— a AAAAAAA=\n".encode())
    with pytest.raises(InputError):  # the same bytes, spelt with other spare bits
        Note.parse("text\n\n— a AAAAAAB=\n".encode())


def test_sixteen_post_quantum_signatures_are_read_and_a_flood_is_not() -> None:
    big = Signature("witness.test/pq", b"\1\2\3\4", bytes(5000))
    assert len(Note.parse(Note(TEXT, (big,) * 16).encode()).signatures) == 16
    with pytest.raises(LimitError):
        Note.parse(Note(TEXT, (big,) * (note.MAX_SIGNATURES + 1)).encode())
    with pytest.raises(LimitError):
        Note.parse(b"a" * (note.MAX_NOTE + 1))


def test_lines_of_strangers_say_nothing_but_a_failing_line_of_a_known_key_spoils_the_note() -> None:
    signed = note.sign(TEXT, LOG_KEY)
    same_name = signing_key("other")
    stranger = Signature(ORIGIN, same_name.verifier.key_id, bytes(64))
    namesake = Signature("other", LOG_KEY.verifier.key_id, bytes(64))
    assert note.check(signed.with_signatures([stranger, namesake]), [LOG_KEY.verifier]).verdict is Verdict.VALID
    forged = Signature(ORIGIN, LOG_KEY.verifier.key_id, bytes(64))
    checked = note.check(signed.with_signatures([forged]), [LOG_KEY.verifier])
    assert (checked.verdict, checked.failed) == (Verdict.INVALID, (LOG_KEY.verifier,))
    assert note.check(signed, []).verdict is Verdict.UNKNOWN_KEY


def test_a_signature_is_never_listed_twice() -> None:
    signed = note.sign(TEXT, LOG_KEY)
    assert signed.with_signatures(signed.signatures) == signed


def test_keys_survive_their_text_form_and_repr_hides_the_seed() -> None:
    for key in (LOG_KEY, WITNESS_KEY):
        assert SigningKey.parse(key.encode()) == key
        assert SigningKey.parse(key.encode() + "\n") == key
        assert VerifierKey.parse(str(key.verifier)) == key.verifier
        assert SigningKey.from_pem(key.name, key.kind, key.to_pem()) == key
        assert str(key.seed) not in repr(key)
        assert key.seed.hex() not in repr(key)
        assert "seed" not in repr(key)


def test_a_pem_file_of_another_key_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for wrong in (pem, b"", LOG_KEY.to_pem()[:-40]):
        with pytest.raises(InputError):
            SigningKey.from_pem(ORIGIN, SignatureType.ED25519, wrong)


def test_one_key_pair_has_different_ids_as_log_and_as_witness() -> None:
    log, witness = (SigningKey("same", kind, bytes(32)).verifier for kind in SignatureType)
    assert log.public_key == witness.public_key
    assert log.key_id != witness.key_id


def test_a_log_key_does_not_cosign_and_a_witness_key_does_not_sign() -> None:
    with pytest.raises(InputError):
        LOG_KEY.cosign(TEXT, 1)
    with pytest.raises(InputError):
        WITNESS_KEY.sign(TEXT)


def vkey(name: str, key_id: str, data: bytes) -> str:
    return f"{name}+{key_id}+{base64.b64encode(data).decode()}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("example.com/foo", "example.com/bar"),
        VKEY.replace("example.com/foo", "exa mple"),
        VKEY[:-4],
        vkey("example.com/foo", "530d903a", b""),
        vkey("example.com/foo", "530d903a", b"\x02" + bytes(32)),
        vkey("example.com/foo", "530d903a", b"\x06" + bytes(1312)),
        vkey("weak", "00000000", b"\x01\x01" + bytes(31)),
        "x" * 5000,
    ],
)
def test_wrong_vkeys_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        VerifierKey.parse(text)


def test_errors_about_private_keys_never_quote_them() -> None:
    secret = LOG_KEY.encode()
    for broken in (secret.replace(LOG_KEY.verifier.key_id.hex(), "00000000"), secret[:-3], secret.removeprefix("P")):
        with pytest.raises(InputError) as caught:
            SigningKey.parse(broken)
        assert secret[-20:-4] not in str(caught.value.diagnostics())
