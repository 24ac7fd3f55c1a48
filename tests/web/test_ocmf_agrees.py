"""The browser says of OCMF records what Python says: value, verdict, reason and findings, whatever the bytes."""

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.doc_tree import ROOT
from tests.web.peer import Peer, modules, peer

from wattseal.base.errors import InputError
from wattseal.evidence import ocmf, xml_transparency
from wattseal.evidence.format import Clock, Meaning, SignedReading
from wattseal.evidence.ocmf_meaning import meaning_of
from wattseal.evidence.ocmf_record import parse
from wattseal.pricing.clock import milliseconds

VECTORS = sorted((ROOT / "docs/spec/vectors/ocmf").glob("*.json"))
FIELD = os.environ.get("WATTSEAL_VECTORS")
MUTATIONS = 6000
SEED = 20261129

Case = tuple[bytes, tuple[bytes, ...]]


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_ocmf.mjs", modules(pytestconfig) / "evidence.mjs") as running:
        yield running


@cache
def golden() -> tuple[Case, ...]:
    found = []
    for path in VECTORS:
        vector = json.loads(path.read_text())
        raw = bytes.fromhex(vector["record_hex"]) if "record_hex" in vector else vector["record"].encode()
        found.append((raw, tuple(map(bytes.fromhex, vector["keys"]))))
    return tuple(found)


@cache
def from_the_field() -> tuple[Case, ...]:
    if FIELD is None:
        return ()
    found = []
    for path in sorted((Path(FIELD) / "ocmf").glob("*.xml")):
        try:
            values = xml_transparency.read(path.read_bytes())
        except InputError:
            continue
        found += [(value.data or b"", () if value.key is None else (value.key,)) for value in values]
    return tuple(found)


def question(case: Case) -> dict[str, Any]:
    raw, keys = case
    return {"record": raw.hex(), "keys": [key.hex() for key in keys]}


def answer(case: Case) -> list[Any]:
    """Return what Python says, as the peer says it."""
    raw, keys = case
    found = ocmf.check(raw, keys)
    key = None if found.key is None else found.key.hex()
    return [found.verdict.value, found.reason, key, told(found.meaning)]


def told(meaning: Meaning | None) -> dict[str, Any] | None:
    if meaning is None:
        return None
    return {
        "serials": [meaning.meter_serial, meaning.gateway_serial],
        "page": meaning.page,
        "readings": [reading(one) for one in meaning.readings],
        "registers": [
            [r.register, r.direction.value, reading(r.begin), reading(r.end), plain(r.energy_wh)]
            for r in meaning.registers
        ],
        "energy_wh": plain(meaning.energy_wh),
        "findings": [[f.code, f.field, f.detail] for f in meaning.findings],
        "texts": [meaning.identity_type, meaning.identity, meaning.identity_level, meaning.tariff_text],
    }


def reading(one: SignedReading | None) -> list[Any] | None:
    if one is None:
        return None
    offset = None if one.at is None else (one.at.utcoffset() or timedelta()) // timedelta(minutes=1)
    at = None if one.at is None else [milliseconds(one.at), offset]
    clock = None if one.clock is None else Clock(one.clock).name
    return [at, clock, one.moment.value, one.register, one.direction.value, plain(one.value_wh)]


def plain(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def agree(browser: Peer, cases: list[Case]) -> list[list[Any]]:
    """Hold both against each other, case by case; return the answers."""
    answers = [answer(case) for case in cases]
    for case, ours, theirs in zip(cases, answers, browser.ask(map(question, cases)), strict=True):
        assert theirs == ours, case
    return answers


def test_every_golden_vector_reads_alike(browser: Peer) -> None:
    assert {said[0] for said in agree(browser, list(golden()))} == {"VALID", "INVALID", "UNKNOWN_KEY", "UNREADABLE"}


@pytest.mark.skipif(FIELD is None, reason="WATTSEAL_VECTORS is not set: no records from the field")
def test_records_from_the_field_read_alike(browser: Peer) -> None:
    assert sum(said[0] == "VALID" for said in agree(browser, list(from_the_field()))) > 100


def test_mutated_records_and_keys_read_alike(browser: Peer) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable, and no secret
    sources = [*golden(), *from_the_field()[-40:]]
    cases = [mutated(chance, chance.choice(sources)) for _ in range(MUTATIONS)]
    reasons = {said[1] for said in agree(browser, cases)}
    assert reasons >= {
        *("signature_valid", "signature_mismatch", "signature_not_der", "signature_encoding", "signature_missing"),
        *("key_curve_mismatch", "bad_key", "curve_unsupported", "algorithm_unknown", "no_key", "not_ocmf", "not_utf8"),
        *("bad_json", "duplicate_key", "number_too_long", "field_type"),
    }


def test_records_of_one_transaction_read_together_alike(browser: Peer) -> None:
    chance = random.Random(SEED)  # noqa: S311 - repeatable, and no secret
    readable = [raw for raw, _ in (*golden(), *from_the_field()) if ocmf.check(raw, ()).meaning]
    groups = [[mutated(chance, (raw, ()))[0] for raw in chance.sample(readable, 3)] for _ in range(200)]
    groups += [list(pair) for pair in pairwise(readable)]
    answers = browser.ask({"records": [raw.hex() for raw in group]} for group in groups)
    for group, theirs in zip(groups, answers, strict=True):
        try:
            ours: Any = told(meaning_of(*map(parse, group)))
        except InputError as error:
            ours = error.code
        assert theirs == ours, group


def mutated(chance: random.Random, case: Case) -> Case:
    """Change a record in the ways in which readers come apart, or a byte of a key."""
    raw, keys = case
    if keys and chance.random() < 0.2:
        number = chance.randrange(len(keys))
        changed = one_byte(chance, keys[number])
        return raw, (*keys[:number], changed, *keys[number + 1 :])
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        raw = chance.choice(WAYS)(chance, raw)
    return raw, keys


def one_byte(chance: random.Random, data: bytes) -> bytes:
    if not data:
        return b"\0"
    at = chance.randrange(len(data))
    match chance.randrange(4):
        case 0:
            return data[:at] + data[at + 1 :]
        case 1:
            return data[:at] + bytes([chance.randrange(256)]) + data[at:]
        case 2:
            return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
    return data[:at]


def a_fragment(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(FRAGMENTS) + data[at:]


def a_value(chance: random.Random, data: bytes) -> bytes:
    """Put another value in a field's place."""
    places = list(re.finditer(rb'":\s*("[^"]*"|-?[0-9.eE+-]+|true|false|null)', data))
    if not places:
        return one_byte(chance, data)
    start, end = chance.choice(places).span(1)
    return data[:start] + chance.choice(VALUES) + data[end:]


def a_field(chance: random.Random, data: bytes) -> bytes:
    """Add a field at the start of an object, where it may be a second one."""
    places = [match.end() for match in re.finditer(rb"\{", data)] or [0]
    at = chance.choice(places)
    return data[:at] + b'"' + chance.choice(KEYS) + b'":' + chance.choice(VALUES) + b"," + data[at:]


def a_key(chance: random.Random, data: bytes) -> bytes:
    places = list(re.finditer(rb'"([A-Z]{2})":', data))
    if not places:
        return one_byte(chance, data)
    start, end = chance.choice(places).span(1)
    return data[:start] + chance.choice(KEYS) + data[end:]


WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (one_byte, a_fragment, a_value, a_value, a_field, a_key)
KEYS = tuple(
    b"FV GI GS PG MS IS IL IF IT ID TT RD TM TX RV RI RU RT EF ST CL LC SA SD SE SM \\u0053D __proto__ toString".split()
)
FRAGMENTS = (
    *(b" ", b"\t", b"\n", b"|", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"\xef\xbb\xbf"),
    *("é".encode(), b"\xc2\x85", b"\\u0000", b"\\ud83d", b"\\ud83d\\ude00", b"NaN", b"-Infinity", b"1e5", b"0", b"-"),
    *(b"//", b"\x1c", b"\xe2\x80\xae", b"${x}", b"[[[[[[[[[", b'"\\', b"\xed\xa0\x80", b"\xf4\x90\x80\x80"),
)
VALUES = (
    *(b"null", b"true", b"false", b"[]", b"{}", b'""', b'"x"', b"[{}]", b'[{"TX":"B"}]', b'[["\\ud800"]]', b"NaN"),
    *(b"0", b"-0", b"-0.0", b"-5", b"1e3", b"1E-3", b"0e15", b"1e15", b"1e16", b"999999999999999", b"1000000000000000"),
    *(b"1e99999999999999999999", b"0e-99999999999999999999", b"0.000000000000001", b"0.0000000000000001", b"01"),
    *(b"12345678901234567890123456789012", b"123456789012345678901234567890123", b"0000", b"1e", b"1e+2", b"1e00005"),
    *(
        b'" 0012.50"',
        b'"+7"',
        b'"-0"',
        b'"1e3"',
        b'"1."',
        b'".5"',
        b'"T0"',
        b'"T01"',
        b'"F7"',
        b'"T999999999999999999"',
    ),
    *(b'"kWh"', b'"Wh"', b'"VAh"', b'"B"', b'"C"', b'"X"', b'"E"', b'"P"', b'"Z"', b'"G"', b'"t"', b'"Et"', b'"1.9"'),
    *(b'"2.0"', b'"HEARSAY"', b'"UNKNOWN"', b'"EMAID"', b'"ISO14443"', b'"\\u00a0"', b'"\\ufeff"', b'"\\u001c"'),
    *(b'"1-b:1.8.0"', b'"01-0B:B1.08.00*FF"', b'"1-0:2.8.0*255"', b'" 1-0:98.8.1 "', b'"1-0:1.8.2"', b'"1-0:1.7.0"'),
    *(b'"2026-03-01T10:30:00,000+0100 S"', b'"2026-02-29T10:30:00,000Z R"', b'"2026-03-01T10:30:60.000Z"'),
    *(b'"0001-01-01T00:00:00,000+0100 S"', b'"9999-12-31T23:59:59,999-2359 I"', b'"0000-01-01T00:00:00,000Z U"'),
    *(b'"2026-03-01T10:30:00,000+24:00 S"', b'"2026-03-01T10:30:00,000-2399 Q"', b'"2026-03-01T10:30:00,000-0000 U"'),
    *(b'"ECDSA-secp192r1-SHA256"', b'"ECDSA-secp192k1-SHA256"', b'"ECDSA-brainpool384r1-SHA512"', b'"hex"'),
    *(b'"ECDSA-secp256k1-SHA512"', b'"ECDSA-secp384r1-SHA384"', b'"ECDSA-secp521r1-SHA512"', b'"base64"', b'"HEX"'),
    *(b'"application/x-der"', b'"application/x-raw"', b'"30 06 02 01 01 02 01 01"', b'"3006020101020101"', b'"AAAA="'),
    *(b'"MAYCAQECAQE="', b'"MAYCAQECAQE"', b'"3008020101020300ffff"', b'"300702010102020001"', b'"308106020101020101"'),
)
