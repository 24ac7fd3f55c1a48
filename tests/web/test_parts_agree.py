"""The parts of the browser's verifier against the vectors of docs/spec, and against Python on what is altered."""

import contextlib
import hashlib
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nacl import bindings
from nacl.exceptions import RuntimeError as NaClRuntimeError
from tests.support import mutants
from tests.support.charges import signing_key
from tests.support.doc_tree import ROOT
from tests.web.peer import Peer, modules, peer

from wattseal.base.errors import InputError
from wattseal.crypto.keys import P256_ORDER, Algorithm, PublicKey, SigningKey
from wattseal.log import merkle, note
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import VerifierKey
from wattseal.log.note import Note
from wattseal.log.proof import TlogProof
from wattseal.model.verdict import Verdict
from wattseal.seal import dcbor
from wattseal.seal.item import parse_item

VECTORS = ROOT / "docs/spec/vectors"
SEED = 20261129
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
Case = dict[str, Any]


@pytest.fixture(scope="module")
def browser(pytestconfig: pytest.Config) -> Iterator[Peer]:
    with peer("peer_verifier.mjs", modules(pytestconfig) / "verifier.mjs") as running:
        yield running


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text())


def dice(name: str) -> random.Random:
    return random.Random(f"{SEED} {name}")  # noqa: S311 - repeatable on purpose


def attempt(say: Callable[..., Any], *about: Any) -> Any:
    """Return what Python says about something, or its error as the peer spells it."""
    try:
        return say(*about)
    except InputError as error:
        return {"code": error.code, "subject": error.subject}


def agree(browser: Peer, questions: list[Case], answers: list[Any]) -> None:
    for question, ours, theirs in zip(questions, answers, browser.ask(questions), strict=True):
        assert theirs == ours, question


def test_signatures_say_what_the_vectors_say(browser: Peer) -> None:
    cases = read("record/signatures")["cases"]
    agree(browser, cases, [case["expect"] for case in cases])


def test_malformed_items_are_refused_as_python_refuses_them(browser: Peer) -> None:
    cases = read("record/malformed")["cases"]
    for case, answer in zip(cases, browser.ask(cases), strict=True):
        assert answer == attempt(parse_item, bytes.fromhex(case["item"]))
        assert case["expect"]["error"] in {None, answer["subject"]}


def test_chains_break_where_the_vectors_say(browser: Peer) -> None:
    cases = read("record/chains")["cases"]
    agree(browser, cases, [case["expect"]["problem"] for case in cases])


def test_openings_of_the_group_vectors_hold_and_others_do_not(browser: Peer) -> None:
    questions, answers = [], []
    for case in read("record/groups")["cases"]:
        by_hash = {parse_item(bytes.fromhex(item)).hash.hex(): item for item in case["items"]}
        for payload_hash, secret, content in case["expect"]["opened"]:
            shown = [bytes.fromhex(payload_hash), case["group"], bytes.fromhex(secret), bytes.fromhex(content)]
            spoilt = [*shown[:3], shown[3][:-1] + bytes([shown[3][-1] ^ 1])]
            for opening, holds in ((shown, True), (spoilt, False)):
                questions.append({"of": by_hash[payload_hash], "opening": dcbor.encode(opening).hex()})
                answers.append(holds)
    assert len(questions) > 10
    agree(browser, questions, answers)


def test_values_are_read_and_refused_alike(browser: Peer) -> None:
    """Every altered byte of real items, and values put together at random."""
    roll = dice("cbor")
    items = [bytes.fromhex(case["item"]) for case in read("record/signatures")["cases"]]
    values = [mutants.flip_byte(roll.choice(items), roll) for _ in range(1500)]
    values += [bytes(roll.randrange(256) for _ in range(roll.randrange(1, 12))) for _ in range(3000)]
    values += [dcbor.encode(_value(roll, 4)) for _ in range(500)]
    values += [b"\x81" * depth + b"\x80" for depth in range(14, 20)]
    answers = [attempt(spelt_again, data) for data in values]
    agree(browser, [{"cbor": data.hex()} for data in values], answers)


def spelt_again(data: bytes) -> str:
    return dcbor.encode(dcbor.decode(data)).hex()


def _value(roll: random.Random, depth: int) -> Any:
    kinds = (
        lambda: roll.choice([-1, 1]) * roll.getrandbits(roll.choice([3, 5, 8, 16, 32, 53, 54, 63])),
        lambda: roll.randbytes(roll.choice([0, 3, 24, 300])),
        lambda: roll.choice(["", "a", "é", "\U0001f50c", "x" * 24, "\x00"]),
        lambda: roll.choice([None, True, False]),
        lambda: [_value(roll, depth - 1) for _ in range(roll.randrange(4))],
        lambda: {roll.getrandbits(roll.choice([3, 8, 33, 64])): _value(roll, depth - 1) for _ in range(3)},
    )
    return roll.choice(kinds if depth else kinds[:4])()


def test_items_altered_at_any_place_are_refused_alike(browser: Peer) -> None:
    roll = dice("items")
    items = [bytes.fromhex(case["item"]) for case in read("record/signatures")["cases"]]
    altered = [mutants.change_type(roll.choice(items), roll) for _ in range(1500)]

    def told(data: bytes) -> Any:
        item = parse_item(data)
        leaf = item.leaf_entry()
        signature = "UNSIGNED" if item.signature is None else "INVALID"
        place = list(item.payload.place)
        return {"signature": signature, "payload_hash": item.hash.hex(), "place": place, "leaf": leaf and leaf.hex()}

    agree(browser, [{"item": data.hex()} for data in altered], [attempt(told, d) for d in altered])


def test_notes_and_their_keys_are_read_as_the_vectors_say(browser: Peer) -> None:
    vectors = read("log/note")
    for case, answer in zip(vectors["keys"], browser.ask(vectors["keys"]), strict=True):
        assert isinstance(answer, str) is case["valid"]
    notes = [{"note": case["note"].encode().hex(), "vkeys": vectors["vkeys"]} for case in vectors["notes"]]
    for case, answer in zip(vectors["notes"], browser.ask(notes), strict=True):
        assert (answer[0] if isinstance(answer, list) else "MALFORMED") == case["verdict"], case["name"]


def test_altered_notes_are_read_alike(browser: Peer) -> None:
    vectors, roll = read("log/note"), dice("notes")
    keys = [VerifierKey.parse(vkey) for vkey in vectors["vkeys"]]
    signed = [case["note"].encode() for case in vectors["notes"]]
    altered = [mutants.flip_byte(roll.choice(signed), roll) for _ in range(1500)]

    def told(data: bytes) -> Any:
        checked = note.check(Note.parse(data), keys)
        return [checked.verdict.value, [key.name for key, _ in checked.good]]

    questions = [{"note": data.hex(), "vkeys": vectors["vkeys"]} for data in altered]
    agree(browser, questions, [attempt(told, d) for d in altered])


def test_proofs_say_what_the_vectors_say_and_altered_ones_what_python_says(browser: Peer) -> None:
    vectors, roll = read("log/proof"), dice("proofs")
    entry = bytes.fromhex(vectors["entry"])
    logs, witnesses = ([VerifierKey.parse(vkey) for vkey in vectors[which]] for which in ("logs", "witnesses"))
    texts = [case["proof"].encode() for case in vectors["proofs"]]
    texts += [mutants.flip_byte(roll.choice(texts), roll) for _ in range(1500)]

    def told(data: bytes) -> Any:
        parsed = TlogProof.parse(data)
        known = [key for key in logs if key.name == parsed.checkpoint.checkpoint.origin]
        words = cosignatures(parsed.checkpoint.note, witnesses)
        return {
            "log": note.check(parsed.checkpoint.note, known).verdict.value,
            "included": parsed.includes(entry),
            "cosigned": [[one.key.name, one.time_s] for one in words],
        }

    answers = [attempt(told, d) for d in texts]
    for case, answer in zip(vectors["proofs"], answers, strict=False):
        good = answer.get("log") == Verdict.VALID.value and answer["included"]
        assert good is (case["verdict"] == "VALID"), case["name"]
    which = {"logs": vectors["logs"], "witnesses": vectors["witnesses"]}
    agree(browser, [{"proof": data.hex(), "entry": vectors["entry"]} | which for data in texts], answers)


def test_inclusion_is_proved_where_the_vectors_say_and_never_by_an_altered_proof(browser: Peer) -> None:
    questions, answers = [], []
    for case in read("log/merkle")["inclusion"]:
        leaf = merkle.leaf_hash(bytes.fromhex(case["entry"])).hex()
        questions.append({"inclusion": [leaf, str(case["index"]), str(case["size"]), case["proof"], case["root"]]})
        answers.append(case["valid"])
        for index, size in ((case["index"] + 1, case["size"]), (case["index"], case["size"] + 1)):
            hashes, root = list(map(bytes.fromhex, case["proof"])), bytes.fromhex(case["root"])
            questions.append({"inclusion": [leaf, str(index), str(size), case["proof"], case["root"]]})
            answers.append(merkle.verify_inclusion(bytes.fromhex(leaf), index, size, hashes, root))
    agree(browser, questions, answers)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_signature_has_one_form_and_only_that_verifies(browser: Peer, algorithm: Algorithm) -> None:
    """The other s of ECDSA, and Ed25519's s beyond the order, are signatures of nobody, here as in Python."""
    key, roll = signing_key("a", algorithm), dice(algorithm.name)
    order = P256_ORDER if algorithm is Algorithm.ESP256 else ED25519_ORDER
    byteorder: Any = "big" if algorithm is Algorithm.ESP256 else "little"
    questions, answers = [], []
    for number in range(60):
        message = hashlib.sha256(b"%d" % number).digest()
        good = key.sign(message)
        s = int.from_bytes(good[32:], byteorder)
        others = [s, order - s, (s + order) % 2**256, 0, order, 1]
        forms = [good[:32] + other.to_bytes(32, byteorder) for other in others]
        forms += [bytes(32) + good[32:], good[:63], good + b"\0", mutants.flip_byte(good, roll)]
        for form in forms:
            questions.append({"signature": form.hex(), "spki": key.public.spki.hex(), "message": message.hex()})
            answers.append(key.public.verify(message, form))
    assert answers.count(True) == 60
    agree(browser, questions, answers)


TORSION = tuple(
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""Points of small order, in canonical and other spellings."""


def verified(spki: bytes, signature: bytes) -> bool:
    return PublicKey.from_spki(spki).verify(b"\0", signature)


def test_keys_and_commitments_of_small_order_are_refused_alike(browser: Peer) -> None:
    honest = signing_key("a", Algorithm.ED25519).public.spki
    prefix = honest[:12]
    keys = [prefix + point for point in TORSION] + [honest, honest[:-1], prefix + bytes(range(32))]
    questions, answers = [], []
    for spki in keys:
        for point in (*TORSION, bytes(range(32))):
            signature = point + bytes(32)
            questions.append({"signature": signature.hex(), "spki": spki.hex(), "message": "00"})
            answers.append(attempt(verified, spki, signature))
    agree(browser, questions, answers)


def test_signatures_with_a_part_of_small_order_are_judged_alike(browser: Peer) -> None:
    """The signer's own choice of commitment: of small order, or with such a part. Libraries differ here."""
    seed = hashlib.sha256(b"torsion").digest()
    key = SigningKey.from_seed(Algorithm.ED25519, seed).public
    private = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little") & (2**254 - 8) | 2**254
    nonce = 12345
    points = [bindings.crypto_scalarmult_ed25519_base_noclamp(nonce.to_bytes(32, "little"))]
    for point in TORSION[:6]:
        with contextlib.suppress(NaClRuntimeError):
            points.append(bindings.crypto_core_ed25519_add(points[0], point))
    questions, answers = [], []
    for number, point in [(nonce, point) for point in points] + [(0, point) for point in TORSION]:
        hashed = hashlib.sha512(point + key.spki[12:] + b"\0").digest()
        s = (number + int.from_bytes(hashed, "little") * private) % ED25519_ORDER
        signature = point + s.to_bytes(32, "little")
        questions.append({"signature": signature.hex(), "spki": key.spki.hex(), "message": "00"})
        answers.append(key.verify(b"\0", signature))
    assert answers[0]
    assert len(points) > 4
    agree(browser, questions, answers)
