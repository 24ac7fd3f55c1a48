"""The golden vectors of records and bundles, as any other implementation would run them."""

import json
from pathlib import Path
from typing import Any

import pytest

from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import PublicKey
from wattseal.seal.chain import check_chain
from wattseal.seal.groups import Opening, open_box, unwrap
from wattseal.seal.item import parse_item

VECTORS = Path(__file__).parents[2] / "docs/spec/vectors"
Case = dict[str, Any]


def cases(name: str) -> list[Any]:
    found = json.loads((VECTORS / f"{name}.json").read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", cases("record/signatures"))
def test_signatures_say_what_the_vector_says(case: Case) -> None:
    item = parse_item(bytes.fromhex(case["item"]))
    key = PublicKey.from_spki(bytes.fromhex(case["public_key"]))
    signed = "VALID" if item.verify(key, case["log_origin"]) else "INVALID"
    leaf = item.leaf_entry()
    assert {
        "signature": "UNSIGNED" if item.signature is None else signed,
        "payload_hash": item.hash.hex(),
        "place": list(item.payload.place),
        "leaf": leaf.hex() if leaf else None,
    } == case["expect"]


@pytest.mark.parametrize("case", cases("record/malformed"))
def test_malformed_items_are_refused_and_the_field_named(case: Case) -> None:
    with pytest.raises(InputError) as caught:
        parse_item(bytes.fromhex(case["item"]))
    assert case["expect"]["error"] in {None, caught.value.subject}


@pytest.mark.parametrize("case", cases("record/groups"))
def test_each_reader_opens_exactly_what_the_vector_says(case: Case) -> None:
    key, gid = SealPrivateKey.from_pem(case["reader_key_pem"].encode()), case["group"]
    items = [parse_item(bytes.fromhex(i)) for i in case["items"]]
    secret = next((s for i in items if (s := unwrap(i, gid, key)) is not None), None)
    opened = [o for i in items if gid in i.boxes and isinstance(o := open_box(i, gid, secret), Opening)]
    assert [[o.payload_hash.hex(), o.secret.hex(), o.content.hex()] for o in opened] == case["expect"]["opened"]


@pytest.mark.parametrize("case", cases("record/chains"))
def test_chains_break_where_the_vector_says(case: Case) -> None:
    problems = check_chain([parse_item(bytes.fromhex(i)) for i in case["items"]])
    first = {"code": problems[0].code, "index": problems[0].index} if problems else None
    assert first == case["expect"]["problem"]


@pytest.mark.parametrize("case", cases("bundle/bundles"))
def test_bundles_are_judged_as_the_vector_says(case: Case) -> None:
    trust = Trust.parse(json.dumps(case["trust"]).encode()) if case["trust"] else None
    report = check_bundle(bytes.fromhex(case["bundle"]), trust)
    failure, shown = report.failure, report.to_json()
    judged = {k: shown[k] for k in ("verdict", "grade", "source", "energy_wh", "identification")}
    judged |= {"step": failure.number if failure else None, "reason": failure.reason if failure else None}
    assert judged == case["expect"]
