"""Signed OCPP messages: whose signature, for which message, and every known trick with a JWS header."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from tests.support.charges import signing_key
from tests.support.examples import examples

from wattseal.base.errors import InputError
from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence import ocpp_jws
from wattseal.evidence.ocpp_jws import FORMAT, check_message, decode, encode, read
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.model.station import MessageCertificate
from wattseal.model.verdict import Verdict

KEY = signing_key("station")
PEM = self_signed(KEY, "CS001", 7, datetime(2026, 1, 1, tzinfo=UTC))
CERTIFICATE = read_message_certificate(PEM)
SIGNER = MessageSigner(KEY, CERTIFICATE.thumbprint)
PAYLOAD = b'{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}'
ACTION = "BootNotification"
SIGNED = SIGNER.sign(PAYLOAD, ACTION, 2)
RSA = rsa.generate_private_key(65537, 2048)
HEADER = {"alg": "ES256", "OCPPAction": ACTION, "OCPPMessageTypedId": 2}


def spki(key: Any) -> bytes:
    der: bytes = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return der


def made(protected_header: dict[str, Any] | bytes, **changes: Any) -> bytes:
    """Return a JWS with this protected header, truly signed by the station's key."""
    given_header = protected_header
    raw = given_header if isinstance(given_header, bytes) else json.dumps(given_header).encode()
    protected, text = encode(raw), encode(PAYLOAD)
    signature = encode(KEY.sign(f"{protected}.{text}".encode()))
    return json.dumps({"protected": protected, "payload": text, "signature": signature} | changes).encode()


def verdict(raw: bytes, *certificates: MessageCertificate, action: str = ACTION, kind: int = 2) -> tuple[Verdict, str]:
    checked = check_message(read(raw), certificates or (CERTIFICATE,), action, kind)
    return checked.verdict, checked.reason


def test_a_signed_message_is_valid_and_its_payload_is_what_was_signed() -> None:
    assert verdict(SIGNED) == (Verdict.VALID, "signature_valid")
    assert read(SIGNED).payload == PAYLOAD
    header = json.loads(decode(json.loads(SIGNED)["protected"]) or b"")
    assert header == {**HEADER, "x5t#S256": encode(hashlib.sha256(_der(PEM)).digest())}
    assert FORMAT.sniff(SIGNED)
    assert FORMAT.check(SIGNED, [CERTIFICATE.spki]).verdict is Verdict.VALID
    assert FORMAT.parse([SIGNED]).energy_wh is None, "a message is no reading"


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("spelling", ["OCPPMessageTypedId", "OCPPMessageTypeId"])
@pytest.mark.parametrize("value", [2, "2"])
def test_both_spellings_of_the_type_are_read(spelling: str, value: object) -> None:
    header = {"alg": "ES256", "OCPPAction": ACTION, spelling: value}
    assert verdict(made(header)) == (Verdict.VALID, "signature_valid")


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (HEADER | {"alg": "none"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": "HS256"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": "ES384"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": "PS256"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": "es256"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": "RS256"}, (Verdict.INVALID, "key_kind_mismatch")),
        ({k: v for k, v in HEADER.items() if k != "alg"}, (Verdict.INVALID, "algorithm_unknown")),
        (HEADER | {"alg": ["ES256"]}, (Verdict.UNREADABLE, "field_type")),
        (HEADER | {"crit": ["exp"], "exp": 1}, (Verdict.INVALID, "extension_demanded")),
        (HEADER | {"crit": []}, (Verdict.INVALID, "extension_demanded")),
        (HEADER | {"b64": False, "crit": ["b64"]}, (Verdict.INVALID, "extension_demanded")),
        (HEADER | {"b64": False}, (Verdict.INVALID, "extension_demanded")),
        (HEADER | {"OCPPAction": "Heartbeat"}, (Verdict.INVALID, "another_message")),
        (HEADER | {"OCPPMessageTypedId": 3}, (Verdict.INVALID, "another_message")),
        (HEADER | {"OCPPMessageTypedId": True}, (Verdict.UNREADABLE, "field_type")),
        (HEADER | {"OCPPMessageTypedId": 2, "OCPPMessageTypeId": 3}, (Verdict.UNREADABLE, "field_type")),
        ({"alg": "ES256"}, (Verdict.INVALID, "message_not_named")),
        (b'{"alg":"none","alg":"ES256"}', (Verdict.UNREADABLE, "duplicate_key")),
        (b'{"alg":"ES256","\\u0061lg":"none"}', (Verdict.UNREADABLE, "duplicate_key")),
        (b"[]", (Verdict.UNREADABLE, "bad_json")),
        (b"\xff", (Verdict.UNREADABLE, "not_utf8")),
        (b'{"x":' + b" " * 5000 + b"1}", (Verdict.UNREADABLE, "header_encoding")),
    ],
)
def test_a_true_signature_under_a_header_that_lies_is_never_valid(
    header: dict[str, Any] | bytes, told: tuple[Verdict, str]
) -> None:
    assert verdict(made(header)) == told


def test_the_public_key_is_no_secret_of_a_mac() -> None:
    protected, text = encode(json.dumps(HEADER | {"alg": "HS256"}).encode()), encode(PAYLOAD)
    for secret in (CERTIFICATE.spki, PEM, CERTIFICATE.thumbprint):
        mac = hmac.new(secret, f"{protected}.{text}".encode(), hashlib.sha256).digest()
        forged = {"protected": protected, "payload": text, "signature": encode(mac)}
        assert verdict(json.dumps(forged).encode()) == (Verdict.INVALID, "algorithm_unknown")


def test_no_key_that_comes_along_is_used() -> None:
    mallory = signing_key("mallory")
    numbers = ECKey.import_key(mallory.to_pem()).as_dict(private=False)
    hints: list[dict[str, Any]] = [{"jwk": numbers}, {"jku": "https://example.org/keys"}, {"x5c": ["AA=="]}]
    hints += [{"x5u": "https://example.org/c"}, {"kid": "../../../../dev/null"}, {"kid": "' OR 1"}]
    for hint in hints:
        protected, text = encode(json.dumps(HEADER | hint).encode()), encode(PAYLOAD)
        signature = encode(mallory.sign(f"{protected}.{text}".encode()))
        forged = json.dumps({"protected": protected, "payload": text, "signature": signature}).encode()
        assert verdict(forged) == (Verdict.INVALID, "signature_mismatch")
        assert verdict(made(HEADER | hint)) == (Verdict.VALID, "signature_valid"), "the hint alone does no harm"


def test_a_header_read_before_vouches_for_nobody_else() -> None:
    assert verdict(SIGNED) == (Verdict.VALID, "signature_valid")
    other = MessageSigner(signing_key("other"), hashlib.sha256(b"another certificate").digest())
    foreign = json.loads(other.sign(PAYLOAD, ACTION, 2)) | {"protected": json.loads(SIGNED)["protected"]}
    assert verdict(json.dumps(foreign).encode()) == (Verdict.INVALID, "signature_mismatch")
    assert verdict(SIGNED, action="Heartbeat") == (Verdict.INVALID, "another_message")
    named = [json.loads(decode(json.loads(one.sign(b"{}", ACTION, 3))["protected"]) or b"") for one in (SIGNER, other)]
    assert [decode(header["x5t#S256"]) for header in named] == [SIGNER.thumbprint, other.thumbprint]


@settings(max_examples=examples(200))
@given(st.text(st.sampled_from("ABQgwx019-_=+/ "), max_size=9) | st.binary(max_size=9).map(encode))
def test_bytes_have_one_spelling(text: str) -> None:
    data = decode(text)
    assert (data is not None) == any(encode(one) == text for one in spelt(text))
    assert data is None or encode(data) == text


def spelt(text: str) -> list[bytes]:
    """Return what a reader that minds nothing takes a text for."""
    plain = re.sub("[^A-Za-z0-9_-]", "", text)
    return [] if len(plain) % 4 == 1 else [base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))]


def test_a_certificate_that_nobody_enrolled_is_an_unknown_key() -> None:
    stranger = signing_key("stranger")
    signed = MessageSigner(stranger, bytes(32)).sign(PAYLOAD, ACTION, 2)
    assert verdict(signed) == (Verdict.UNKNOWN_KEY, "key_not_enrolled")
    assert check_message(read(signed), ()).verdict is Verdict.UNKNOWN_KEY
    with_our_name = MessageSigner(stranger, CERTIFICATE.thumbprint).sign(PAYLOAD, ACTION, 2)
    assert verdict(with_our_name) == (Verdict.INVALID, "signature_mismatch")
    assert verdict(SIGNED, MessageCertificate(b"1" * 32, b"no key")) == (Verdict.UNKNOWN_KEY, "key_not_enrolled")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"signature": ""}, (Verdict.INVALID, "signature_missing")),
        ({"signature": "AA=="}, (Verdict.INVALID, "signature_encoding")),
        ({"signature": "AB"}, (Verdict.INVALID, "signature_encoding")),
        ({"signature": encode(bytes(64))}, (Verdict.INVALID, "signature_mismatch")),
        ({"signature": encode(bytes(range(64)))}, (Verdict.INVALID, "signature_mismatch")),
        ({"signature": encode(bytes(9000))}, (Verdict.INVALID, "signature_mismatch")),
        ({"payload": encode(PAYLOAD) + "="}, (Verdict.INVALID, "signature_encoding")),
        ({"payload": encode(b"{}")}, (Verdict.INVALID, "signature_mismatch")),
        ({"header": {"alg": "ES256"}}, (Verdict.INVALID, "header_unprotected")),
        ({"protected": ""}, (Verdict.UNREADABLE, "bad_json")),
        ({"protected": "e30="}, (Verdict.UNREADABLE, "header_encoding")),
    ],
)
def test_a_changed_object_is_never_valid(changes: dict[str, Any], told: tuple[Verdict, str]) -> None:
    assert verdict(made(HEADER, **changes)) == told


def test_a_signature_that_is_der_or_the_other_of_the_pair() -> None:
    told = json.loads(SIGNED)
    raw = decode(told["signature"]) or b""
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    twin = json.dumps(told | {"signature": encode(raw[:32] + (P256_ORDER - s).to_bytes(32))}).encode()
    assert verdict(twin)[0] is Verdict.VALID, "ECDSA has two signatures a message: the message is what is deduplicated"
    private = serialization.load_pem_private_key(KEY.to_pem(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    der = private.sign(f"{told['protected']}.{told['payload']}".encode(), ec.ECDSA(hashes.SHA256()))
    assert decode_dss_signature(der) != (r, s)
    assert verdict(json.dumps(told | {"signature": encode(der)}).encode())[0] is Verdict.INVALID


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "bad_json"),
        (b"{}", "not_jws"),
        (b'"text"', "bad_json"),
        (b'{"payload":"","signatures":[{"protected":"","signature":""}]}', "not_jws"),
        (b'{"protected":"e30","payload":1,"signature":""}', "not_jws"),
        (b'{"protected":"e30","payload":"","signature":"","more":1}', "not_jws"),
        (b'{"protected":"e30","payload":"","payload":"","signature":""}', "duplicate_key"),
        (b'{"protected":"e30","payload":"!","signature":""}', "payload_encoding"),
        (b'{"protected":"e30","payload":"\\u00e9","signature":""}', "payload_encoding"),
        (b"\xff{}", "not_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b" " * 300_000, "too_large"),
    ],
)
def test_what_is_no_signed_message_is_unreadable(raw: bytes, reason: str) -> None:
    checked = FORMAT.check(raw, [CERTIFICATE.spki])
    assert (checked.verdict, checked.reason) == (Verdict.UNREADABLE, reason)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "ES256"])
def test_signatures_of_another_library_verify_and_ours_do_there(algorithm: str) -> None:
    rsa_pem = RSA.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = ECKey.import_key(KEY.to_pem()) if algorithm == "ES256" else RSAKey.import_key(rsa_pem)
    header = HEADER | {"alg": algorithm}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    flat = jws.serialize_json({"protected": header}, PAYLOAD, key, registry=registry)
    enrolled = MessageCertificate(b"", CERTIFICATE.spki if algorithm == "ES256" else spki(RSA))
    assert verdict(json.dumps(flat).encode(), enrolled) == (Verdict.VALID, "signature_valid")
    theirs = jws.deserialize_json(
        json.loads(SIGNED),
        ECKey.import_key(KEY.to_pem()),
        registry=jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False),
    )
    assert theirs.payload == PAYLOAD


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
@settings(max_examples=examples(300))
def test_any_changed_byte_is_never_valid(position: int, flip: int) -> None:
    forged = bytearray(SIGNED)
    forged[position] ^= flip
    checked = FORMAT.check(bytes(forged), [CERTIFICATE.spki])
    same = checked.verdict is Verdict.VALID and json.loads(bytes(forged)) == json.loads(SIGNED)
    assert checked.verdict is not Verdict.VALID or same, "white space around is the only thing that may differ"


@pytest.mark.parametrize("bits", [1024, 1536])
def test_a_short_rsa_key_or_another_curve_is_no_key(bits: int) -> None:
    small = rsa.generate_private_key(65537, bits)
    assert verdict(SIGNED, MessageCertificate(b"", spki(small))) == (Verdict.UNKNOWN_KEY, "bad_key")
    other = ec.generate_private_key(ec.SECP384R1())
    assert verdict(SIGNED, MessageCertificate(b"", spki(other))) == (Verdict.UNKNOWN_KEY, "bad_key")


@pytest.mark.parametrize("data", [b"", b"no", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_cannot_be_used_is_said_so(data: bytes) -> None:
    with pytest.raises(InputError, match="not a certificate"):
        read_message_certificate(data)
    with pytest.raises(InputError, match="P-256"):
        self_signed(signing_key("x", Algorithm.ED25519), "x", 1, datetime(2026, 1, 1, tzinfo=UTC))


def test_the_page_lists_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs/spec/evidence.md").read_text()
    table = page.partition("## Signed OCPP messages\n")[2].partition("\n## ")[0]
    code = Path(ocpp_jws.__file__).read_text()
    given_here = set(re.findall(r'(?:code=|reason = |reasons\.add\(|return )"([a-z0-9_]+)"', code))
    given_here |= set(re.findall(r'"(signature_mismatch|key_kind_mismatch|signature_valid|no_key)"', code))
    assert set(re.findall(r"^\| `([a-z0-9_]+)`", table, re.MULTILINE)) == given_here
