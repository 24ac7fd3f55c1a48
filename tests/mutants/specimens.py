"""What is mutated: records, bundles, meters' records and signed messages, each made anew from dice, with its judge.

A judge returns what a verifier holds for true once it says VALID, and None where it says anything else.
"""

import hmac
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from msgspec import structs
from tests.mutants.bytewise import BYTEWISE
from tests.mutants.cbor import CBOR
from tests.mutants.json_text import JSON
from tests.support.charges import EMSP, LOG, START_MS, charge, pen, seeded, signing_key
from tests.support.meters import METER_KEY
from tests.support.mutants import forge_content, forge_payload
from tests.support.worlds import (
    CSMS_KEY,
    EDGE_KEY,
    MemoryLog,
    authorisation,
    enrolled,
    entries,
    entry,
    sealed_charge,
    trust,
)

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import parse_bundle
from wattseal.bundle.report import Identification, Outcome
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import P256_ORDER, Algorithm, PublicKey, SigningKey
from wattseal.evidence import ocpp_jws
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.model.verdict import Source, Verdict
from wattseal.pricing.periods import Point
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.groups import Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item, record_aad, to_be_signed
from wattseal.seal.registry import Role
from wattseal.seal.writer import GroupDraft, SubjectKeys

Change = Callable[[bytes, random.Random], bytes]
STRANGER = signing_key("somebody else")
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
NOON = datetime.fromtimestamp(START_MS / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Specimen:
    """Something honest, and how it is judged."""

    data: bytes
    judge: Callable[[bytes], Any]


@dataclass(frozen=True, slots=True)
class Species:
    """One format: how honest ones are made, and what is done to them."""

    make: Callable[[random.Random], Specimen]
    changes: Mapping[str, Change]
    same: Callable[[Any, Any], bool] = lambda said, honest: bool(said == honest)
    """Whether what a mutant says, once VALID, is nothing but what the honest one says."""


def _record(dice: random.Random) -> Specimen:
    """Make a record at either end of a charge, signed with P-256 or Ed25519, its content sealed or plain."""
    key = dice.choice((EDGE_KEY, CSMS_KEY))
    sealed = dice.randrange(2) == 0
    seed = str(dice.random())
    start = dice.randrange(10**7)
    writer = pen(key=key, stream=dice.randrange(4), seed=seed)
    items = charge(
        writer, sealed=sealed, readings=0, start_wh=start, step_wh=dice.randrange(10**5), seed=seed, at_ms=_ms(dice)
    )
    secrets = {gid: unwrap(items[0], gid, EMSP) for gid in (Group.METER, Group.OPS)}
    return Specimen(dice.choice(items).encode(), lambda data: judge_record(data, key.public, secrets))


def _ms(dice: random.Random) -> int:
    return START_MS + dice.randrange(10**10)


def judge_record(data: bytes, key: PublicKey, secrets: Mapping[Group, bytes | None]) -> Any:
    """Check the signature, and open every box it speaks of."""
    try:
        item = parse_item(data)
    except InputError:
        return None
    if not item.verify(key, LOG):
        return None
    opened = [open_box(item, gid, secrets.get(Group(gid))) for gid in sorted(item.payload.groups)]
    if not all(isinstance(each, Opening) for each in opened):
        return None
    return item.payload_bytes, opened


def sign_again(data: bytes, dice: random.Random) -> bytes:
    """Change a field of the payload and sign that with a key of one's own under the honest key's name."""
    item = parse_item(data)
    assert item.signature is not None
    more = {"seq": item.payload.seq + 1, "ms": item.payload.ms + 60_000, "prev": bytes(32), "stream": 9}
    name = dice.choice(list(more))
    payload = structs.replace(item.payload, **{name: more[name]})
    header = item.signature
    signature = STRANGER.sign(to_be_signed(header.protected, record_aad(LOG), payload.encode()))
    return Item(payload, payload.encode(), replace(header, signature=signature), item.boxes).encode()


def other_half(data: bytes, _: random.Random) -> bytes:
    """Write the other signature of the same pair: (r, n - s) of P-256, (R, S + L) of Ed25519."""
    item = parse_item(data)
    assert item.signature is not None
    first, second = item.signature.signature[:32], item.signature.signature[32:]
    if item.signature.algorithm is Algorithm.ESP256:
        second = (P256_ORDER - int.from_bytes(second)).to_bytes(32)
    else:
        second = (int.from_bytes(second, "little") + ED25519_ORDER).to_bytes(32, "little")
    header = replace(item.signature, signature=first + second)
    return Item(item.payload, item.payload_bytes, header, item.boxes).encode()


_TRUST = trust()
_METER = entry(Role.METER, "METER", METER_KEY.public.spki, "CPO/DIRECT", custodian="SITE", meter_id="METER-1")
_WITH_METER = (*entries(), enrolled(_METER))


def _bundle(dice: random.Random) -> Specimen:
    """Make the bundle of a charge: sealed behind an edge with its CDR, or with the records of a signing meter."""
    if dice.randrange(3):
        readings = dice.randrange(4)
        registers, wh = [], dice.randrange(10**6)
        for _ in range(readings + 2):
            registers.append(wh)
            wh += dice.randrange(1, 3000)
        presented, identified = dice.choice((None, "ISO14443", "Central")), dice.choice((None, ("SECURE", bytes(32))))
        made = sealed_charge(
            readings=readings, registers=registers, presented=presented, identified=identified
        ).bundle.encode()
    else:
        made = _metered(dice)
    return Specimen(made, judge_bundle)


def _metered(dice: random.Random) -> bytes:
    """Make the bundle of a charge at a station whose meter signs."""
    request, decision = authorisation(station="CPO/DIRECT")
    p = pen("CPO/DIRECT", key=CSMS_KEY, seed=str(dice.random()))
    p.write(Kind.BOOT, START_MS - 1000)
    start, minutes = Decimal(dice.randrange(10**7)) / 10, dice.randrange(1, 600)
    end = start + Decimal(dice.randrange(10**5)) / 10
    page = dice.randrange(10**6)
    told = (("B", start, 0, Kind.STARTED), ("E", end, minutes, Kind.ENDED))
    items = []
    for number, (reason, wh, minute, kind) in enumerate(told):
        at_ms = START_MS + minute * 60_000
        raw = _ocmf(page + number, METER_KEY, ((reason, wh, minute),))
        groups = {
            Group.METER: GroupDraft(Meter(wh, evidence=(("OCMF", raw),)).to_fields()),
            Group.OPS: GroupDraft(Ops(transaction_id="T", evse_id=1, station_ms=at_ms, seq_no=number).to_fields()),
        }
        refs = (decision.hash,) if kind is Kind.STARTED else ()
        items.append(p.write(kind, at_ms, SubjectKeys.new(seeded("tx")), groups=groups, refs=refs))
    log = MemoryLog()
    log.add([request, decision, *items])
    signed = log.checkpoint()
    proofs = [log.proof(item, signed) for item in items]
    openings = openings_of(items, (Group.METER, Group.OPS))
    bundle = build_bundle(items, others=[request, decision], entries=_WITH_METER, proofs=proofs, openings=openings)
    return bundle.encode()


@dataclass(frozen=True, slots=True)
class Told:
    """What a bundle that is VALID proves."""

    records: tuple[bytes, ...]
    source: Source | None
    grade: int
    energy_wh: Decimal | None
    points: tuple[Point, ...]
    price: Any
    identified: Identification | None


def judge_bundle(data: bytes) -> Told | None:
    """Let the verifier judge it with nothing but the trust file."""
    report = check_bundle(data, _TRUST)
    if report.verdict is not Outcome.VALID:
        assert report.failure is not None, "a verdict without a step that explains it"
        assert report.failure.reason
        return None
    records = tuple(item.hash for item in parse_bundle(data).items)
    price = None if report.price is None else report.price.to_json()
    grade = int(report.grade) if report.grade is not None else 0
    return Told(records, report.source, grade, report.energy_wh, report.points, price, report.identification)


def no_more(said: Told, honest: Told) -> bool:
    """Return whether a bundle proves nothing that the honest one does not.

    It may show less: a reading's opening, the price, the kind of token, or the entry of the meter's key left out, which
    leaves the same energy as the operator's word alone, at a lower grade.
    """
    level = None if said.identified is None else said.identified.level
    weaker = said.source is Source.CSMS and said.grade < honest.grade
    return (
        (said.records, said.energy_wh) == (honest.records, honest.energy_wh)
        and said.grade <= honest.grade
        and (weaker or said.source is honest.source)
        and _shown_less(said.points, honest.points)
        and said.price in (None, honest.price)
        and (level is None or said.identified == honest.identified)
    )


def _shown_less(said: tuple[Point, ...], honest: tuple[Point, ...]) -> bool:
    if not said:
        return True
    return len(said) == len(honest) and all(
        one.ms == other.ms and one.register_wh in {None, other.register_wh}
        for one, other in zip(said, honest, strict=True)
    )


def _ocmf(page: int, key: SigningKey, readings: tuple[tuple[str, Decimal, int], ...]) -> bytes:
    told = [ReadingToSign(NOON + timedelta(minutes=m), reason, wh) for reason, wh, m in readings]
    return build(MeterState("METER-1", page=page), told, key, "k5zq7")


def _meter_record(dice: random.Random) -> Specimen:
    """Make an OCMF record of one reading or of begin and end."""
    start = Decimal(dice.randrange(10**8)) / 10
    readings = [("B", start, 0), ("E", start + dice.randrange(10**5), dice.randrange(1, 600))]
    chosen = dice.choice((readings, readings[:1], readings[1:]))
    return Specimen(_ocmf(dice.randrange(10**6), METER_KEY, tuple(chosen)), judge_ocmf)


def judge_ocmf(data: bytes) -> Any:
    """Check it under the meter's key: the bytes that are signed, with what they mean."""
    checked = evidence.check(data, [METER_KEY.public.spki])
    assert checked.reason
    if checked.verdict is not Verdict.VALID:
        return None
    return data.strip(b" \t\r\n").split(b"|")[1], checked.meaning


def _in_section(number: int, change: Callable[[str, random.Random], str]) -> Change:
    def apply(data: bytes, dice: random.Random) -> bytes:
        sections = data.split(b"|")
        sections[number] = change(sections[number].decode(), dice).encode("utf-8", "surrogatepass")
        return b"|".join(sections)

    return apply


def _another_meter(data: bytes, dice: random.Random) -> bytes:
    """Sign the same payload, or one with another register, with a key of one's own."""
    payload = data.split(b"|")[1]
    if dice.randrange(2):
        payload = payload.replace(b'"RV":', b'"RV":1', 1)
    rs = STRANGER.sign(payload)
    der = encode_dss_signature(int.from_bytes(rs[:32]), int.from_bytes(rs[32:]))
    return b"OCMF|" + payload + b'|{"SD":"' + der.hex().encode() + b'"}'


def _other_der(data: bytes, dice: random.Random) -> bytes:
    """Write the same two numbers in a DER that is not the one: longer, padded, negative, with more behind."""
    head, payload, signature = data.split(b"|")
    start = signature.index(b'"SD":"') + 6
    der = bytes.fromhex(signature[start : signature.index(b'"', start)].decode())
    r, s = decode_dss_signature(der)
    body = der[2:]
    twin = encode_dss_signature(r, P256_ORDER - s)
    beyond = encode_dss_signature(r + P256_ORDER, s)
    spellings = (
        b"\x30\x81" + bytes([len(body)]) + body,
        der + b"\0",
        b"\x30" + bytes([len(body) + 1]) + b"\x02" + bytes([body[1] + 1]) + b"\0" + body[2:],
        b"\x30\x80" + body + b"\0\0",
        twin,
        beyond,
        b"\x30\x06\x02\x01\x00\x02\x01\x00",
        b"\x30\x06\x02\x01\x01\x02\x01\x01",
    )
    return b"|".join((head, payload, b'{"SD":"' + dice.choice(spellings).hex().encode() + b'"}'))


_SIGNER = MessageSigner(signing_key("a station's messages"), sha256(b"its certificate"))
_OTHER_SIGNER = MessageSigner(STRANGER, sha256(b"its certificate"))


def _message(dice: random.Random) -> Specimen:
    """Make a signed OCPP message."""
    wh = dice.randrange(10**7)
    payload = f'{{"transactionId":{dice.randrange(10**6)},"meterStop":{wh},"timestamp":"2027-01-15T08:00:00Z"}}'
    action = dice.choice(("StopTransaction", "TransactionEvent", "Heartbeat"))
    return Specimen(_SIGNER.sign(payload.encode(), action, dice.choice((2, 3))), judge_message)


def judge_message(data: bytes) -> Any:
    """Check it under the station's key: the header and the payload that are signed."""
    checked = ocpp_jws.FORMAT.check(data, [_SIGNER.key.public.spki])
    assert checked.reason
    if checked.verdict is not Verdict.VALID:
        return None
    message = ocpp_jws.read(data)
    return ocpp_jws.read_header(message), message.payload


def _outside(change: Callable[[str, random.Random], str]) -> Change:
    return lambda data, dice: change(data.decode(), dice).encode("utf-8", "surrogatepass")


def _inside(member: str, change: Callable[[str, random.Random], str]) -> Change:
    """Change what is inside a member, and encode it again."""

    def apply(data: bytes, dice: random.Random) -> bytes:
        fields = {name: getattr(ocpp_jws.read(data), name) for name in ("protected", "payload_text", "signature")}
        text = ocpp_jws.decode(fields[member])
        assert text is not None
        fields[member] = ocpp_jws.encode(change(text.decode(), dice).encode("utf-8", "surrogatepass"))
        return _flattened(**fields)

    return apply


def _flattened(protected: str, payload_text: str, signature: str) -> bytes:
    return f'{{"protected":"{protected}","payload":"{payload_text}","signature":"{signature}"}}'.encode()


def _another_signer(data: bytes, dice: random.Random) -> bytes:
    """Sign a header of one's own: no algorithm, a MAC under the public key, an extension, or one's own key."""
    message = ocpp_jws.read(data)
    header = ocpp_jws.read_header(message)
    name = f'"OCPPAction":"{header.action}","OCPPMessageTypeId":{header.type}'
    heads = (
        '"alg":"none"',
        '"alg":"HS256"',
        '"alg":"ES256","crit":["b64"],"b64":false',
        f'"alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{ocpp_jws.encode(STRANGER.public.spki[27:59])}"}}',
        '"alg":"ES256","kid":"../../../../dev/null"',
    )
    head = dice.choice(heads)
    protected = ocpp_jws.encode(f"{{{head},{name}}}".encode())
    signed = f"{protected}.{message.payload_text}".encode()
    mac = hmac.digest(_SIGNER.key.public.spki, signed, "sha256")
    signature = {heads[0]: b"", heads[1]: mac}.get(head, STRANGER.sign(signed))
    if dice.randrange(3) == 0:
        return _OTHER_SIGNER.sign(message.payload, header.action or "", header.type or 2)
    return _flattened(protected, message.payload_text, ocpp_jws.encode(signature))


_OCMF_CHANGES = (
    {f"payload: {name}": _in_section(1, change) for name, change in JSON.items()}
    | {f"signature: {name}": _in_section(2, change) for name, change in JSON.items()}
    | {"signed by another key": _another_meter, "another spelling of the DER": _other_der}
)
_JWS_CHANGES = (
    {f"object: {name}": _outside(change) for name, change in JSON.items()}
    | {f"header: {name}": _inside("protected", change) for name, change in JSON.items()}
    | {f"payload: {name}": _inside("payload_text", change) for name, change in JSON.items()}
    | {"another header and signature": _another_signer}
)
SPECIES: Mapping[str, Species] = {
    "record": Species(_record, {**BYTEWISE, **CBOR, "signed again": sign_again, "the other signature": other_half}),
    "bundle": Species(
        _bundle, {**BYTEWISE, **CBOR, "a forged payload": forge_payload, "a forged content": forge_content}, no_more
    ),
    "ocmf": Species(_meter_record, {**BYTEWISE, **_OCMF_CHANGES}),
    "jws": Species(_message, {**BYTEWISE, **_JWS_CHANGES}),
}
"""By format."""
