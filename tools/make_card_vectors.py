"""Write docs/spec/vectors/record/cards.json: run `python -m tools.make_card_vectors` from the root.

Every run writes the same. Keys are for tests alone: their seeds are SHA-256 of names.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support.charges import LOG, ORIGIN, START_MS, seeded, signing_key

from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.token import IdToken
from wattseal.seal import dcbor
from wattseal.seal.card import MAX_AGE_MS, NOT_PROVED, OF_ANOTHER, STALE, CardProof, Challenge
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Identity, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys, Writer

FILE = Path("docs/spec/vectors/record/cards.json")
TOKEN, NONCE = IdToken("04A2B3C4D5E680", "ISO14443"), bytes(range(16))
WRITER = Writer.new(ORIGIN, LOG, signing_key("edge"), seeded("dummies"))
SUBJECT = SubjectKeys(bytes(range(16, 32)), sha256(b"seed").digest())
Shown = tuple[str, bytes] | None


def card(name: str, algorithm: Algorithm = Algorithm.ESP256) -> SoftwareCard:
    """Return a card whose key is made of its name."""
    return SoftwareCard(TOKEN.value, sha256(name.encode()).digest(), algorithm)


OWNER, STRANGE = card("owner"), card("strange")


def request(shown: Shown, *, evse_id: int = 1, after: int = 1, token: IdToken = TOKEN) -> Item:
    """Write a request with this in its identity, the record after so many others."""
    head = WRITER.append(NO_HEAD, 0, Draft(Kind.BOOT, START_MS, ClockQuality.SYNCHRONISED), None)[1]
    for ms in range(1, after):
        head = WRITER.append(head, 0, Draft(Kind.HEARTBEAT, START_MS + ms, ClockQuality.SYNCHRONISED), None)[1]
    ops = Ops(route="MSP", evse_id=evse_id or None, nonce=NONCE)
    groups = {
        Group.IDENTITY: GroupDraft(Identity(token.value, token.type, shown).to_fields()),
        Group.OPS: GroupDraft(ops.to_fields()),
    }
    draft = Draft(Kind.REQUEST, START_MS + 5_000, ClockQuality.SYNCHRONISED, groups)
    return WRITER.append(head, 0, draft, SUBJECT)[0]


def asked(**other: Any) -> Challenge:
    """Return the challenge for the request, or one that differs."""
    head = request(None).payload.prev
    made = Challenge(LOG, ORIGIN, 0, head, SUBJECT.subject, 1, NONCE, START_MS + 4_000, TOKEN)
    return replace(made, **other)


def proof(by: SoftwareCard = OWNER, **other: Any) -> CardProof:
    """Return what a card answers to a challenge that the owner's key is in."""
    challenge = asked(**other)
    return challenge.proof(by.answer(challenge.message(OWNER.spki)))


def vector(name: str, expect: str, item: Item, *, enrolled: SoftwareCard = OWNER, **more: Any) -> dict[str, Any]:
    """Describe one request, the enrolled key, the EVSE it is for, and what whoever decides says of it."""
    told = {"log_origin": LOG, "evse_id": 1} | more
    return {"name": name, "item": item.encode().hex(), "card_key": enrolled.spki.hex()} | told | {"expect": expect}


def cases() -> Iterator[dict[str, Any]]:
    """Yield all of them."""
    good = proof()
    challenge, reference = asked().message(OWNER.spki).hex(), good.reference.hex()
    yield vector("good", "proved", request(good.shown()), challenge=challenge, reference=reference)
    yield from _good()
    yield vector("the number alone", NOT_PROVED, request(None))
    yield vector("something else shown", NOT_PROVED, request(("app_code", good.shown()[1])))
    for name, value in {
        "a number more": [1, 1, NONCE, bytes(64), 1],
        "true for an EVSE": [1, True, NONCE, bytes(64)],
    }.items():
        yield vector(name, NOT_PROVED, request(("card", dcbor.encode(value))))
    yield from _old()
    yield from _of_another(good)


def _good() -> Iterator[dict[str, Any]]:
    ed25519 = card("ed25519", Algorithm.ED25519)
    answered = asked()
    theirs = answered.proof(ed25519.answer(answered.message(ed25519.spki)))
    yield vector("an Ed25519 card", "proved", request(theirs.shown()), enrolled=ed25519)
    any_evse = request(proof(evse_id=0).shown(), evse_id=0)
    yield vector("for any EVSE of the station", "proved", any_evse, evse_id=0)
    other_case = IdToken(f" {TOKEN.value.lower()}", TOKEN.type)
    yield vector("the number spelt otherwise", "proved", request(proof().shown(), token=other_case))
    oldest = START_MS + 5_000 - MAX_AGE_MS
    yield vector("a minute before the record", "proved", request(proof(made_ms=oldest).shown()))


def _old() -> Iterator[dict[str, Any]]:
    for name, age_ms in {"more than a minute before the record": MAX_AGE_MS + 1, "after the record": -1}.items():
        yield vector(name, STALE, request(proof(made_ms=START_MS + 5_000 - age_ms).shown()))


def _of_another(good: CardProof) -> Iterator[dict[str, Any]]:
    yield vector("another card's key", OF_ANOTHER, request(proof(STRANGE).shown()))
    yield vector("another key enrolled", OF_ANOTHER, request(good.shown()), enrolled=STRANGE)
    challenge = asked()
    along = challenge.proof(STRANGE.answer(challenge.message(STRANGE.spki)))
    yield vector("a key that comes along", OF_ANOTHER, request(along.shown()))
    yield vector("after another record", OF_ANOTHER, request(good.shown(), after=2))
    yield vector("in another log", OF_ANOTHER, request(good.shown()), log_origin="CPO/other")
    yield vector("for another EVSE", OF_ANOTHER, request(good.shown(), evse_id=2), evse_id=2)
    others: dict[str, dict[str, Any]] = {
        "of another station": {"origin": "CPO/CS002"},
        "of another EVSE's chain": {"stream": 1},
        "of another transaction": {"subject": bytes(16)},
        "of another token": {"token": IdToken("04A2B3C4D5E681", "ISO14443")},
    }
    for name, other in others.items():
        answered = asked(**other)
        signed = answered.proof(OWNER.answer(answered.message(OWNER.spki)))
        yield vector(name, OF_ANOTHER, request(signed.shown()))
    yield vector("with another nonce", OF_ANOTHER, request(replace(good, nonce=bytes(16)).shown()))
    yield vector("with another time", OF_ANOTHER, request(replace(good, made_ms=good.made_ms + 1).shown()))
    high = good.signature[:32] + (P256_ORDER - int.from_bytes(good.signature[32:])).to_bytes(32)
    yield vector("with the greater s", OF_ANOTHER, request(replace(good, signature=high).shown()))
    yield vector("without a signature", OF_ANOTHER, request(replace(good, signature=b"").shown()))


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps({"cases": list(cases())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
