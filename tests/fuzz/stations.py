"""A whole CSMS as a fuzz target: a station says anything that the schemas allow, and a little of what they do not."""

import asyncio
import json
from typing import Any

from hypothesis import strategies as st
from tests.support.charges import signing_key
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.wire.ocpp_payloads import Schema, _value, schemas

from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.flow.world import World
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted, Sender
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Fault, Refusal, Version

CARRIERS = ("StartTransaction", "StopTransaction", "TransactionEvent", "MeterValues")
MAX_MESSAGES = 8
MAX_TEXT = 60_000
"""Longer ones, made of escapes, would not fit a frame when they are signed."""
TOKENS = ("CARD", "BLOCKED", "nobody", "")
_SIGNER = MessageSigner(signing_key("station of a fuzzer"), bytes(32))
_OURS = signing_key("csms of a fuzzer")
_OURS_PEM = self_signed(_OURS, "CPO", 1, AT)


def said_by_stations(version: Version) -> list[str]:
    """Return the actions a station may send, those that carry transactions many times over."""
    actions = [m.action for m in catalog.MESSAGES if version in m.requests and m.may_come_from(Sender.STATION)]
    return [*actions, *(action for action in actions if action in CARRIERS for _ in range(15))]


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Version, list[tuple[str, Any, bool]]]:
    """Draw what a station says: `(action, payload, signed)`, the same few transactions and cards again and again."""
    version = draw(st.sampled_from(list(Version)))
    actions = said_by_stations(version)
    said = []
    for _ in range(draw(st.integers(1, MAX_MESSAGES))):
        action = draw(st.sampled_from(actions))
        schema: Schema = schemas()[version, action, "Request"]
        fault_in = draw(st.sampled_from([0, 0, 0, 0, 20]))
        payload = _value(draw, schema, schema.get("definitions", {}), fault_in)
        if isinstance(payload, dict) and draw(st.booleans()):
            _recur(draw, payload)
        said.append((action, payload, version is not Version.V16 and draw(st.integers(0, 9)) == 0))
    return version, said


def _recur(draw: st.DrawFn, payload: dict[str, Any]) -> None:
    if isinstance(payload.get("transactionInfo"), dict):
        payload["transactionInfo"]["transactionId"] = draw(st.sampled_from(["T-1", "T-2", ""]))
    elif "transactionId" in payload:
        payload["transactionId"] = draw(st.sampled_from([-1, 0, 1, "last"]))
    if "idTag" in payload:
        payload["idTag"] = draw(st.sampled_from(TOKENS))
    if isinstance(payload.get("idToken"), dict):
        payload["idToken"]["idToken"] = draw(st.sampled_from(TOKENS))


def check_conversation(drawn: tuple[Version, list[tuple[str, Any, bool]]]) -> None:
    """Every message is answered; one that carries a transaction and reads is never answered with an error."""
    asyncio.run(_converse(*drawn))


async def _converse(version: Version, said: list[tuple[str, Any, bool]]) -> None:
    world = make_world()
    world.message_signer = MessageSigner(_OURS, read_message_certificate(_OURS_PEM).thumbprint)
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    station, last = Talker(world, "ST1", version), 1
    for action, payload, signed in said:
        if isinstance(payload, dict) and payload.get("transactionId") == "last":
            payload["transactionId"] = last if version is Version.V16 else "T-1"
        last = await _say(world, station, (action, payload), last, signed=signed)
    for found in await transactions(world):
        assert found.active or found.billing is not None


async def _say(world: World, station: Talker, said: tuple[str, Any], last: int, *, signed: bool) -> int:
    action, payload = said
    text = json.dumps(payload).encode()
    if len(text) > MAX_TEXT:
        return last
    plain = Connection(station.version).receive(b'[2,"1","%b",%b]' % (action.encode(), text), AT)
    request = catalog.lift(station.version, plain) if isinstance(plain, Call) else None
    sent = json.loads(_SIGNER.sign(text, action, 2)) if signed else payload
    told = await station.raw(f"{action}-Signed" if signed else action, sent)
    if isinstance(told, Refusal):
        assert action not in CARRIERS or not isinstance(request, Lifted), (action, told)
        assert told.fault is not Fault.INTERNAL
        return last
    if action == "StartTransaction" and not signed:
        last = json.loads(told)["transactionId"]
    world.forget()
    return last
