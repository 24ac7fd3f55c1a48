"""What the record of a command keeps of its payload: all of it, or the beginning and the hash of the whole."""

import hashlib

import msgspec
from tests.support.cpo_world import enrol, make_world

from wattseal.base.ids import Origin, StationId
from wattseal.flow.commands import MAX_KEPT, Unanswered, send_payload
from wattseal.flow.ports import Silence
from wattseal.model.principal import Principal
from wattseal.rules.recorded import read_item
from wattseal.seal.item import parse_item
from wattseal.wire.ocpp.version import Version


class Deaf:
    """A station that is connected and never answers."""

    def version(self, _station_id: StationId) -> Version:
        return Version.V16

    async def call(self, _station_id: StationId, _action: str, _payload: bytes, _timeout_s: float) -> Silence:
        return Silence.TIMED_OUT


async def test_a_long_payload_is_cut_and_its_hash_says_what_it_was() -> None:
    world = make_world()
    world.lines = Deaf()
    await enrol(world, "CP1")
    entries = [{"idTag": f"TAG{n:017}", "idTagInfo": {"status": "Accepted"}} for n in range(1000)]
    list_ = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": entries}
    payload = msgspec.json.encode(list_)
    who = Principal(world.tenant, "somebody", frozenset(), frozenset({"*"}))
    outcome = await send_payload(world, who, StationId("CP1"), "SendLocalList", payload)
    assert isinstance(outcome, Unanswered)
    kept = await world.journal.items(world.tenant, Origin("CPO/CP1"), 0)
    asked = read_item(parse_item(kept[-2].item.item))
    assert asked.frame == payload[:MAX_KEPT]
    (note,) = asked.observed.notes
    assert (note.code, note.detail) == ("payload_cut", hashlib.sha256(payload).hexdigest())
