"""T55: a signed OCPP message is forged by a header that names no algorithm, a MAC, an extension or a key of its own."""

import base64
import hmac
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import Algorithm, PublicKey, SigningKey
from wattseal.crypto.message_keys import MessageAlgorithm, read_message_key
from wattseal.evidence import ocpp_jws
from wattseal.evidence.format import Checked
from wattseal.evidence.ocpp_jws import ACTION, TYPE, SignedMessage, encode
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import fresh
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.station import MessageCertificate
from wattseal.model.verdict import Verdict

ROUNDS = 25
STOP = "StopTransaction"


async def _perform(lab: Lab) -> Found:
    return _forge(lab)


async def _control(lab: Lab) -> Found:
    """Do as its header says: what verifiers did before RFC 8725 told them not to."""
    with swapped(ocpp_jws, "check_message", _obedient):
        return _forge(lab)


def _forge(lab: Lab) -> Found:
    signer = MessageSigner(fresh(Algorithm.ESP256), sha256(b"the station's certificate"))
    enrolled = [MessageCertificate(signer.thumbprint, signer.key.public.spki)]
    own = fresh(Algorithm.ESP256)
    told: dict[str, str] = {}
    passed: list[str] = []
    tried = 0
    for _ in range(ROUNDS):
        honest = _stop(lab.dice.number(20_000, 40_000))
        if _judged(signer.sign(honest, STOP, 2), enrolled) != "VALID, signature_valid":
            raise LabError("the station's own message is refused", subject=STOP)
        payload = _stop(lab.dice.number(0, 1_000))
        for name, message in _forgeries(signer, own, payload, signer.sign(honest, STOP, 2)):
            tried += 1
            told[name] = _judged(message, enrolled)
            if told[name].startswith("VALID"):
                passed.append(name)
    if passed:
        return Found(Outcome.MISSED, f"a lowered stop is VALID by: {', '.join(dict.fromkeys(passed))}")
    reasons = Counter(told.values())
    text = f"{len(told)} ways, {ROUNDS} messages each: " + "; ".join(f"{said} ({n})" for said, n in reasons.items())
    return Found(Outcome.PREVENTED, text, records=1, figures=(Figure("forged messages", tried, "messages"),))


def _stop(wh: int) -> bytes:
    return json.dumps({"transactionId": 7, "meterStop": wh, "timestamp": "2027-01-15T08:30:00Z"}).encode()


def _judged(raw: bytes, enrolled: Sequence[MessageCertificate]) -> str:
    checked = ocpp_jws.check_message(ocpp_jws.read(raw), enrolled, STOP, 2)
    return f"{checked.verdict.value}, {checked.reason}"


def _forgeries(signer: MessageSigner, own: SigningKey, payload: bytes, honest: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield messages with a payload that the station never signed."""
    public = signer.key.public
    secrets = {"key": public.spki, "key as PEM": _pem(public), "point": public.spki[-65:]}
    for spelling in ("none", "None", "NONE", ""):
        yield f"alg {spelling!r}", _message({"alg": spelling}, payload)
    yield "no alg at all", _message({}, payload)
    for name, secret in secrets.items():
        for alg in ("HS256", "hs256"):
            yield f"{alg} under the public {name}", _message({"alg": alg}, payload, secret=secret)
    for name, more in _keys_along(own).items():
        yield name, _message({"alg": "ES256", **more}, payload, key=own)
    true = ocpp_jws.read(honest)
    yield "a true header over another payload", _flattened(true.protected, encode(payload), true.signature)
    unencoded = {"alg": "ES256", "b64": False, "crit": ["b64"]}
    yield "crit b64: the payload is not signed", _message(unencoded, payload, signature=true.signature)
    yield "crit of an unknown name", _message({"alg": "ES256", "crit": ["exp"], "exp": 0}, payload, key=own)
    yield "an empty signature", _flattened(true.protected, encode(payload), "")
    yield "a signature of noughts", _flattened(true.protected, encode(payload), encode(bytes(64)))


def _keys_along(own: SigningKey) -> dict[str, dict[str, Any]]:
    """Return headers that bring a key along, or say where one is."""
    point = own.public.spki[-64:]
    jwk = {"kty": "EC", "crv": "P-256", "x": encode(point[:32]), "y": encode(point[32:])}
    return {
        "a jwk along": {"jwk": jwk},
        "a certificate chain along": {"x5c": [base64.b64encode(own.public.spki).decode()]},
        "an address of keys": {"jku": "http://127.0.0.1:9/keys.json", "kid": "1"},
        "an address of a certificate": {"x5u": "http://127.0.0.1:9/key.pem"},
        "kid a path": {"kid": "../../../../../../dev/null"},
        "kid a file with known content": {"kid": "/proc/sys/kernel/ostype"},
        "kid with SQL": {"kid": "x' UNION SELECT 'AA'--"},
        "its own thumbprint": {ocpp_jws.THUMBPRINT: encode(sha256(own.public.spki))},
    }


def _message(
    header: dict[str, Any],
    payload: bytes,
    *,
    key: SigningKey | None = None,
    secret: bytes | None = None,
    signature: str = "",
) -> bytes:
    protected = encode(json.dumps({**header, ACTION: STOP, TYPE: 2}).encode())
    signed = f"{protected}.{encode(payload)}".encode()
    if key is not None:
        signature = encode(key.sign(signed))
    elif secret is not None:
        signature = encode(hmac.digest(secret, signed, "sha256"))
    return _flattened(protected, encode(payload), signature)


def _flattened(protected: str, payload: str, signature: str) -> bytes:
    return json.dumps({"protected": protected, "payload": payload, "signature": signature}).encode()


def _pem(key: PublicKey) -> bytes:
    return b"-----BEGIN PUBLIC KEY-----\n%b-----END PUBLIC KEY-----\n" % base64.encodebytes(key.spki)


def _obedient(message: SignedMessage, enrolled: Sequence[MessageCertificate], *_: object) -> Checked:
    """Verify by what the header says of algorithm and key."""
    header = json.loads(ocpp_jws.decode(message.protected) or b"{}")
    signed = f"{message.protected}.{message.payload_text}".encode()
    signature = ocpp_jws.decode(message.signature) or b""
    spki = enrolled[0].spki
    good = False
    match str(header.get("alg", "none")).lower():
        case "none" | "":
            good = True
        case "hs256":
            secrets = (spki, _pem(PublicKey.from_spki(spki)), spki[-65:])
            good = any(hmac.digest(secret, signed, "sha256") == signature for secret in secrets)
        case _:
            if "jwk" in header:
                x, y = (ocpp_jws.decode(header["jwk"][name]) or b"" for name in "xy")
                spki = spki[:-64] + x + y
            good = read_message_key(spki).verify(signed, signature, MessageAlgorithm.ES256)
    verdict = Verdict.VALID if good else Verdict.INVALID
    return Checked(ocpp_jws.NAME, verdict, "signature_valid" if good else "signature_mismatch")


ATTACK = Attack(
    line="T55",
    title="a lowered stop is signed under a header that lies about how to check it",
    steps=(
        "see a station's signed stop go by, and its public key",
        "write a lower stop under a header with alg none, HS256 of the public key, crit, jwk, x5c, jku, kid",
        "give each to the check of signed messages, with the station's certificate enrolled",
    ),
    defence="three algorithms, keys of their own kind, from the enrolment only; what a header says of keys is not used",
    without="the verifier does what the header says",
    residual="the standard's header names neither station nor time: a message can be sent again (T15, T29)",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
