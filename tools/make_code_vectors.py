"""Write docs/spec/vectors/code/codes.json: run `python -m tools.make_code_vectors` from the root.

Every run writes the same. Keys are for tests alone: their seeds are SHA-256 of names.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.support.app_codes import EMSP, NOW_S, a_code, signed
from tests.support.cpo_world import signing_key

from wattseal.crypto.keys import SigningKey
from wattseal.seal.app_code import PREFIX, AppCode, read_text, text_of
from wattseal.seal.signed import Domain, sign

FILE = Path("docs/spec/vectors/code/codes.json")
KEY, OTHER = signing_key("emsp"), signing_key("other")


def vector(name: str, text: str, expect: str, **more: Any) -> dict[str, Any]:
    """Describe one code: where and when it is shown, whose key is enrolled, and what a verifier says."""
    enrolled = {"public_key": KEY.public.spki.hex(), "party": EMSP, "role": "emsp", "origin": f"{EMSP}/*"}
    shown = {"cpo": "CPO", "station_id": "ST1", "evse_id": 1, "now_s": NOW_S}
    told = {name: more.pop(name) for name in tuple(more) if name in shown}
    reference = read_text(text).code.reference.hex() if expect == "good" else None
    case = {"name": name, "text": text, "shown": shown | told, "enrolled": enrolled | more}
    return case | {"expect": expect, "reference": reference}


def cases() -> Iterator[dict[str, Any]]:
    """Yield all of them."""
    good = signed(a_code(), KEY)
    yield vector("good", good, "good")
    yield vector("the station in other letters", good, "good", station_id="st1")
    yield vector("at its last second and the leeway", good, "good", now_s=NOW_S + 329)
    yield vector("half a minute before it was issued", good, "good", now_s=NOW_S - 30)
    yield from _spellings(good)
    yield from _signers(good)
    yield vector("after its end and the leeway", good, "expired", now_s=NOW_S + 330)
    yield vector("sooner than the leeway", good, "not_yet_valid", now_s=NOW_S - 31)
    yield vector("for longer than allowed", signed(a_code(expires_s=NOW_S + 901), KEY), "lives_too_long")
    yield vector("at another station", good, "other_place", station_id="ST2")
    yield vector("at another EVSE", good, "other_place", evse_id=2)


def _spellings(good: str) -> Iterator[dict[str, Any]]:
    yield vector("small letters", good.lower(), "malformed")
    yield vector("without what it begins with", good.removeprefix(PREFIX), "malformed")
    yield vector("padded", good + "=", "malformed")
    yield vector("cut off", good[:-8], "malformed")
    yield vector("one letter more", good + "A", "malformed")
    yield vector("an EVSE of 0", signed(a_code(evse_id=0), KEY), "malformed")
    yield vector("a short alias", signed(a_code(alias=bytes(15)), KEY), "malformed")
    yield vector("until before it was issued", signed(a_code(expires_s=NOW_S), KEY), "malformed")
    fields = read_text(good).statement.fields
    yield vector("one field more", text_of(sign(fields | {8: 1}, KEY, Domain.APP_CODE, "CPO")), "malformed")
    yield vector("true for an EVSE", text_of(sign(fields | {4: True}, KEY, Domain.APP_CODE, "CPO")), "malformed")


def _signers(good: str) -> Iterator[dict[str, Any]]:
    shown = read_text(good)
    resigned = signed(a_code(), OTHER)
    yield vector("a key nobody enrolled", resigned, "unknown_key")
    theirs = {"public_key": OTHER.public.spki.hex()}
    yield vector("a key of another eMSP", resigned, "issuer_not_entitled", **theirs, party="ELSE", origin="ELSE/*")
    yield vector("a key that measures", resigned, "issuer_not_entitled", **theirs, role="edge")
    yield vector("another CPO's billing key", _own("OTHER", OTHER), "issuer_not_entitled", **_billing("OTHER", OTHER))
    yield vector("the CPO's own billing key", _own("CPO", OTHER), "good", **_billing("CPO", OTHER))
    yield vector("a key revoked since", good, "key_revoked", revoked_ms=NOW_S * 1000)
    edited = replace(a_code(station_id="ST2").sign(KEY, "CPO"), signature=shown.statement.signature)
    yield vector("edited for another station", text_of(edited), "signature_invalid", station_id="ST2")
    yield vector("for another CPO", signed(a_code(), KEY, "OTHER"), "signature_invalid")
    fields = shown.statement.fields
    yield vector("signed as a directory", text_of(sign(fields, KEY, Domain.DIRECTORY, "CPO")), "signature_invalid")


def _own(party: str, key: SigningKey) -> str:
    code: AppCode = a_code(issuer=party)
    return signed(code, key)


def _billing(party: str, key: SigningKey) -> dict[str, str]:
    return {"public_key": key.public.spki.hex(), "party": party, "role": "billing", "origin": f"{party}/billing"}


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps({"cases": list(cases())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
