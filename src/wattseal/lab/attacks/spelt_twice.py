"""T54: one signed text that two readers understand differently, or one record in two spellings."""

import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import Algorithm
from wattseal.evidence import ocpp_jws, strict_json
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN, LOG, STATION, Paper, Pen, fresh
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.verdict import Verdict
from wattseal.seal import dcbor
from wattseal.seal.item import Kind, parse_item
from wattseal.seal.writer import Writer

ROUNDS = 20


async def _perform(lab: Lab) -> Found:
    return _spell(lab)


async def _control(lab: Lab) -> Found:
    """Read as general parsers do: the last of two equal keys wins, any spelling of CBOR will do."""
    generous = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
    with swapped(strict_json, "_DECODER", generous), swapped(dcbor, "decode", _any_cbor):
        return _spell(lab)


def _spell(lab: Lab) -> Found:
    told: dict[str, str] = {}
    passed: list[str] = []
    tried = 0
    for _ in range(ROUNDS):
        for name, said in (*_messages(lab), *_meter_records(lab), *_records(lab)):
            tried += 1
            told[name] = said
            if said.startswith("VALID"):
                passed.append(name)
    if passed:
        return Found(Outcome.MISSED, f"VALID, and read in two ways: {', '.join(dict.fromkeys(passed))}")
    text = "; ".join(f"{name}: {said}" for name, said in told.items())
    return Found(Outcome.PREVENTED, text, figures=(Figure("spellings tried", tried, "texts"),))


def _messages(lab: Lab) -> Iterator[tuple[str, str]]:
    """Write a member of a signed message twice, so that who takes the first reads a lower register."""
    signer = MessageSigner(fresh(Algorithm.ESP256), sha256(b"a certificate"))
    high, low = (b'{"meterStop":%d}' % lab.dice.number(*each) for each in ((20_000, 40_000), (0, 1_000)))
    true = signer.sign(high, "StopTransaction", 2)
    keys = [signer.key.public.spki]
    if ocpp_jws.FORMAT.check(true, keys).verdict is not Verdict.VALID:
        raise LabError("the station's own message is refused", subject="jws")
    lower = b'"payload":"%b",' % ocpp_jws.encode(low).encode()
    other = b'"protected":"%b",' % ocpp_jws.encode(b'{"alg":"none"}').encode()
    for name, raw in {
        "a payload before the signed one": b"{" + lower + true[1:],
        "a protected header before the signed one": b"{" + other + true[1:],
        "a payload under an escaped name": b'{"\\u0070ayload":"%b",' % ocpp_jws.encode(low).encode() + true[1:],
    }.items():
        checked = ocpp_jws.FORMAT.check(raw, keys)
        yield f"message with {name}", _ambiguous(checked.verdict, checked.reason, raw)


def _ambiguous(verdict: Verdict, reason: str, raw: bytes) -> str:
    """Say VALID only where a reader that takes the first of two keys sees other things than one that takes the last."""
    if verdict is not Verdict.VALID:
        return f"{verdict.value}, {reason}"
    text = raw.decode()
    first = json.loads(text, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    return "VALID, two readings" if first != json.loads(text) else f"no matter, {reason}"


def _meter_records(lab: Lab) -> Iterator[tuple[str, str]]:
    """Let a meter that signs such a thing write its register twice, or as numbers that readers round differently."""
    paper = Paper()
    start, end = lab.dice.number(0, 1_000), lab.dice.number(20_000, 40_000)
    readings = (("B", Decimal(start), AT_MS), ("E", Decimal(end), AT_MS + LASTS_MIN * 60_000))
    true = paper.record(readings)
    keys = [paper.keys.meter.public.spki]
    if evidence.check(true, keys).verdict is not Verdict.VALID:
        raise LabError("the meter's own record is refused", subject="OCMF")
    section = true.split(b"|")[2]
    twice = b'{"SD":"00",' + section[1:]
    payload = true.split(b"|")[1]
    changed = {
        "its register twice": payload.replace(b'"RV":%d' % end, b'"RV":%d,"RV":%d' % (start + 1, end)),
        "a register of 40 digits": payload.replace(b'"RV":%d' % end, b'"RV":%d.%b' % (end, b"0" * 40)),
        "a register with an exponent of 99": payload.replace(b'"RV":%d' % end, b'"RV":%de-99' % end),
        "a register that is NaN": payload.replace(b'"RV":%d' % end, b'"RV":NaN'),
    }
    for name, text in changed.items():
        checked = evidence.check(_signed(paper, text), keys)
        yield f"meter's record with {name}", _said(checked.verdict, checked.reason)
    checked = evidence.check(b"|".join((b"OCMF", payload, twice)), keys)
    yield "meter's record with two signatures", _said(checked.verdict, checked.reason)


def _said(verdict: Verdict, reason: str) -> str:
    return f"{verdict.value}, {reason}"


def _signed(paper: Paper, payload: bytes) -> bytes:
    rs = paper.keys.meter.sign(payload)
    der = encode_dss_signature(int.from_bytes(rs[:32]), int.from_bytes(rs[32:]))
    return b"OCMF|" + payload + b'|{"SD":"' + der.hex().encode() + b'"}'


def _records(lab: Lab) -> Iterator[tuple[str, str]]:
    """Write a signed record in other bytes: to generous parsers it is a second record with one signature."""
    key = fresh(Algorithm.ESP256)
    pen = Pen(Writer.new(STATION, LOG, key, lambda n: lab.dice.word(n).encode()[:n]), 1)
    true = pen.write(Kind.HEARTBEAT, AT_MS).encode()
    value = dcbor.decode(true)
    head = dcbor.encode(value[0])
    for name, raw in {
        "a list of indefinite length": b"\x9f" + true[1:] + b"\xff",
        "a length in more bytes than it takes": b"\x98\x02" + true[1:],
        "its map of boxes in more bytes": b"\x82" + head + b"\xb8\x00",
        "its map of boxes of indefinite length": b"\x82" + head + b"\xbf\xff",
        "a tag before it": b"\xd9\xd9\xf7" + true,
        "bytes behind it": true + b"\xf6",
    }.items():
        try:
            item = parse_item(raw)
        except InputError as error:
            yield f"record with {name}", f"refused, {error.code}"
            continue
        valid = item.verify(key.public, LOG)
        yield f"record with {name}", "VALID, other bytes" if valid and raw != true else "INVALID"


def _any_cbor(data: bytes, _max_bytes: int = 0) -> Any:
    """Decode as a general CBOR library does, which reads one value and looks no further."""
    return _as_ours(cbor2.CBORDecoder(io.BytesIO(data)).decode())


def _as_ours(value: Any) -> Any:
    match value:
        case cbor2.CBORTag():
            return dcbor.Tagged(_as_ours(value.value)) if value.tag == dcbor.SIGN1_TAG else _as_ours(value.value)
        case list() | tuple():
            return [_as_ours(each) for each in value]
        case Mapping():
            return {key: _as_ours(each) for key, each in value.items()}
    return value


ATTACK = Attack(
    line="T54",
    title="one signed text is read in two ways, or one record written in two spellings",
    steps=(
        "write a member of a signed message twice, the other value first: readers differ on which of them counts",
        "have registers signed that are written twice, that no float holds, or that are no number",
        "write a signed record in other bytes of CBOR: longer lengths, indefinite ones, another tag, bytes behind",
    ),
    defence="duplicate keys, long numbers and every spelling of CBOR but one are refused before anything is verified",
    without="general parsers of JSON and CBOR read instead",
    residual="white space and order of members outside what is signed may vary; they say nothing",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
