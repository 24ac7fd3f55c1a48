"""Write docs/spec/vectors/record/*.json and bundle/*.json: run `python -m tools.make_record_vectors` from the root.

Sealing uses HPKE's own randomness, so sealed boxes differ from run to run and their vectors are for opening only;
commit a new run only when a format or a case changes. Keys are for tests alone: their seeds are SHA-256 of names.
"""

import dataclasses
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support import mutants
from tests.support.charges import ARBITER, CPO, EMSP, LOG, START_MS, STRANGER, charge, pen, signing_key
from tests.support.worlds import (
    EDGE_KEY,
    EMSP_KEY,
    Finished,
    MemoryLog,
    authorisation,
    enrolled,
    entries,
    entry,
    sealed_charge,
    trust,
)

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.trust import Trust
from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.seal import dcbor
from wattseal.seal.chain import check_chain
from wattseal.seal.groups import Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role

ROOT = Path("docs/spec/vectors")
Json = dict[str, Any]


def item_vector(name: str, item: Item, algorithm: Algorithm, signature: str, log_origin: str = LOG) -> Json:
    """Describe one item, its key, and what its signature must say."""
    key = signing_key("edge", algorithm)
    return {
        "name": name,
        "item": item.encode().hex(),
        "public_key": key.public.spki.hex(),
        "log_origin": log_origin,
        "expect": {
            "signature": signature,
            "payload_hash": item.hash.hex(),
            "place": list(item.payload.place),
            "leaf": leaf.hex() if (leaf := item.leaf_entry()) else None,
        },
    }


def records() -> Iterator[Json]:
    """Yield good and bad records."""
    for algorithm in Algorithm:
        items = charge(pen(key=signing_key("edge", algorithm)), readings=1)
        name = algorithm.name.lower()
        yield item_vector(f"{name}-started", items[0], algorithm, "VALID")
        yield item_vector(f"{name}-ended", items[-1], algorithm, "VALID")
        yield item_vector(f"{name}-other-log", items[0], algorithm, "INVALID", "CPO/other")
        yield item_vector(f"{name}-link", items[1], algorithm, "UNSIGNED")
        lower = dataclasses.replace(items[0].payload, ms=START_MS - 1)
        altered = dataclasses.replace(items[0], payload=lower, payload_bytes=lower.encode())
        yield item_vector(f"{name}-time-moved", altered, algorithm, "INVALID")
    item = charge(pen())[0]
    if item.signature is not None:
        r, s = item.signature.signature[:32], int.from_bytes(item.signature.signature[32:])
        twin = dataclasses.replace(item.signature, signature=r + (P256_ORDER - s).to_bytes(32))
        yield item_vector("esp256-high-s", dataclasses.replace(item, signature=twin), Algorithm.ESP256, "INVALID")


def malformed() -> Iterator[Json]:
    """Yield items that must not parse, with the field a verifier should name."""
    item = charge(pen())[0]
    fields = dcbor.decode(item.payload_bytes)
    for number, value, field in (
        (1, 2, "version"),
        (2, 64, "kind"),
        (3, "CPO", "origin"),
        (4, 2**16, "stream"),
        (7, b"short", "prev"),
        (8, [1, 4], "clock"),
        (9, b"x", "subject"),
        (10, {9: [bytes(32), None]}, "group 9"),
        (11, [], "refs"),
        (13, 1, "payload 13"),
    ):
        data = dcbor.encode([dcbor.encode(fields | {number: value}), {}])
        yield {"name": f"field-{number}", "item": data.hex(), "expect": {"error": field}}
    for name, data in (
        ("trailing-byte", item.encode() + b"\x00"),
        ("truncated", item.encode()[:-1]),
        ("indefinite", b"\x9f" + item.encode()[1:] + b"\xff"),
        ("box-without-commitment", dcbor.encode([item.payload_bytes, {5: b"x"}])),
        ("three-wraps", dcbor.encode([item.payload_bytes, {2: [b"x", [bytes(80)] * 3]}])),
    ):
        yield {"name": name, "item": data.hex(), "expect": {"error": None}}


def sealed() -> Iterator[Json]:
    """Yield a transaction's items with reader keys and what each reader must see."""
    items = charge(pen(), readings=12)
    seeds = {"MSP": EMSP, "ARB": ARBITER, "CPO": CPO, "stranger": STRANGER}
    for party, key in seeds.items():
        for gid in (2, 4):
            found = (unwrap(i, gid, key) for i in items)
            secret = next((s for s in found if s is not None), None)
            opened = [o for i in items if gid in i.boxes and isinstance(o := open_box(i, gid, secret), Opening)]
            yield {
                "name": f"{party}-group-{gid}",
                "items": [i.encode().hex() for i in items],
                "reader_key_pem": key.to_pem().decode(),
                "group": gid,
                "expect": {"opened": [[o.payload_hash.hex(), o.secret.hex(), o.content.hex()] for o in opened]},
            }


def chains() -> Iterator[Json]:
    """Yield chains, whole and broken, with the index and code of the first problem."""
    items = charge(pen(), readings=5)
    foreign = charge(pen("CPO/CS002"), readings=5)[2]
    cases: dict[str, list[Item]] = {
        "whole": items,
        "missing": [*items[:3], *items[4:]],
        "doubled": [*items[:3], items[2], *items[3:]],
        "swapped": [*items[:2], items[3], items[2], *items[4:]],
        "unsigned-tail": items[:4],
        "unsigned-start": items[2:],
        "foreign": [*items[:2], foreign, *items[3:]],
        "replaced": [*items[:2], charge(pen(), readings=5, seed="other")[2], *items[3:]],
    }
    for name, case in cases.items():
        problems = check_chain(case)
        first = {"code": problems[0].code, "index": problems[0].index} if problems else None
        yield {"name": name, "items": [i.encode().hex() for i in case], "expect": {"problem": first}}


def bundles() -> Iterator[Json]:
    """Yield bundles with their trust file and the whole expected judgement."""
    honest = sealed_charge()
    data = honest.bundle.encode()
    edge = entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, "CPO/CS001", custodian="SITE")
    revoked = enrolled(dataclasses.replace(edge, version=2, revoked_ms=START_MS))
    one = honest.log.checkpoint(parties=("MSP",))
    few = tuple(honest.log.proof(i, one) for i in honest.items if i.signature is not None)
    foreign = dataclasses.replace(honest.bundle, entries=entries(root=EDGE_KEY))
    by_decision = sealed_charge(identified=("SECURE", bytes(32))).bundle
    cases: dict[str, tuple[bytes, bytes | None]] = {
        "sealed-g4": (data, trust().to_json()),
        "no-trust": (data, None),
        "closed": (sealed_charge(opened=False).bundle.encode(), trust().to_json()),
        "unknown-root": (foreign.encode(), trust().to_json()),
        "revoked": (data, trust(entries=(*entries(), revoked)).to_json()),
        "one-witness": (dataclasses.replace(honest.bundle, proofs=few).encode(), trust().to_json()),
        "no-decision": (dataclasses.replace(honest.bundle, others=()).encode(), trust().to_json()),
        "truncated": (data[:-9], trust().to_json()),
        "identified-by-the-decision": (by_decision.encode(), trust().to_json()),
        "identified-by-a-card": (sealed_charge(presented="ISO14443").bundle.encode(), trust().to_json()),
        "identified-by-an-app": (sealed_charge(presented="Central").bundle.encode(), trust().to_json()),
    }
    cases |= out_of_place(honest)
    for kind, mutate in mutants.MUTATIONS.items():
        for number in range(8):
            dice = random.Random(f"{kind}{number}")  # noqa: S311 - repeatable on purpose
            cases[f"{kind.replace(' ', '-')}-{number}"] = (mutate(data, dice), trust().to_json())
    for name, (bundle, believed) in cases.items():
        yield bundle_vector(name, bundle, believed)


def out_of_place(honest: Finished) -> dict[str, tuple[bytes, bytes | None]]:
    """Return bundles in which something true stands where or when it proves nothing."""
    request, decision = authorisation()
    p = pen(key=EDGE_KEY)
    items = charge(p, refs=(decision.hash,))
    after = p.write(Kind.HEARTBEAT, START_MS + 200_000)
    elsewhere, leave = authorisation(station="CPO/CS002")
    moved = charge(pen(key=EDGE_KEY), refs=(leave.hash,))
    erasure = _record_of_the_emsp(Kind.ERASURE, ())
    price_list = _record_of_the_emsp(Kind.TARIFF, ())
    closed = _record_of_the_emsp(Kind.SETTLEMENT, (honest.items[-1].hash,))
    emsp = dataclasses.replace(entry(Role.EMSP, "MSP", EMSP_KEY.public.spki, "MSP/*"), version=2)
    stolen = enrolled(dataclasses.replace(emsp, revoked_ms=START_MS + 86_400_000))
    believed = trust().to_json()
    return {
        "goes-on-after-its-end": (_bundled([*items, after], (request, decision)), believed),
        "witnessed-before-it-was-made": (_bundled(items, (request, decision), START_MS // 1000 - 3600), believed),
        "leave-for-another-station": (_bundled(moved, (elsewhere, leave)), believed),
        "another-record-beside": (_with(honest, erasure), believed),
        "tariff-beside-by-a-key-revoked-since": (_with(honest, price_list), trust(entries=(stolen,)).to_json()),
        "closed-settlement-by-a-key-revoked-since": (_with(honest, closed), trust(entries=(stolen,)).to_json()),
    }


def _record_of_the_emsp(kind: Kind, refs: tuple[bytes, ...]) -> Item:
    desk = pen("MSP/more", key=EMSP_KEY, stream=0, seed=kind.name)
    desk.write(Kind.BOOT, START_MS)
    return desk.write(kind, START_MS + 3_600_000, refs=refs)


def _with(honest: Finished, other: Item) -> bytes:
    return dataclasses.replace(honest.bundle, others=(*honest.bundle.others, other)).encode()


def _bundled(items: list[Item], others: tuple[Item, ...], at_s: int | None = None) -> bytes:
    log = MemoryLog()
    log.add(items)
    signed = log.checkpoint(at_s=at_s)
    secrets: dict[int, bytes] = {g: s for g in (Group.METER, Group.OPS) if (s := unwrap(items[0], g, EMSP)) is not None}
    bundle = build_bundle(
        items,
        proofs=[log.proof(item, signed) for item in items if item.signature is not None],
        entries=entries(),
        others=others,
        openings=openings_of(items, secrets, secrets),
    )
    return bundle.encode()


def bundle_vector(name: str, bundle: bytes, believed: bytes | None) -> Json:
    """Describe one bundle and what the verifier must say of it."""
    report = check_bundle(bundle, Trust.parse(believed) if believed else None)
    failure = report.failure
    shown = report.to_json()
    return {
        "name": name,
        "bundle": bundle.hex(),
        "trust": json.loads(believed) if believed else None,
        "expect": {k: shown[k] for k in ("verdict", "grade", "source", "energy_wh", "identification")}
        | {"step": failure.number if failure else None, "reason": failure.reason if failure else None},
    }


def main() -> None:
    """Write all files."""
    made = {
        "record/signatures": records(),
        "record/malformed": malformed(),
        "record/groups": sealed(),
        "record/chains": chains(),
        "bundle/bundles": bundles(),
    }
    for name, cases in made.items():
        path = ROOT / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cases": list(cases)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
