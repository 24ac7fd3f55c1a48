"""ISO 15118 over OCPP 1.6: DataTransfer of the vendor `org.openchargealliance.iso15118pnc`.

Its messages are those of 2.0.1, as JSON text: they are understood and answered as a 2.0.1 station's would be.
"""

from collections.abc import Awaitable, Callable

from msgspec import Raw

from wattseal.base.errors import InputError
from wattseal.flow.stations.vendors import Vendors
from wattseal.flow.turn import Turn
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.facts import DataTransferred
from wattseal.model.message import Answer, Fact
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Refusal, Version

VENDOR = "org.openchargealliance.iso15118pnc"
MESSAGES = ("Authorize", "Get15118EVCertificate", "GetCertificateStatus", "SignCertificate")
"""What a station sends; the other direction is asked with DataTransfer as well."""
Decide = Callable[[Turn, Fact], Awaitable[Answer]]


def vendors(decide: Decide) -> Vendors:
    """Return the handlers; `decide` is what decides on the facts of 2.0.1."""

    async def answer(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
        if not isinstance(fact.data, str) or fact.message_id is None:
            return DataTransferAnswer("Rejected")
        payload = Raw(fact.data.encode("utf-8", "replace"))
        call = Call("pnc", fact.message_id, payload, bytes(payload), turn.world.clock.now())
        lifted = catalog.lift(Version.V201, call)
        if isinstance(lifted, Refusal):
            return DataTransferAnswer("Rejected")
        try:
            told = catalog.lower(Version.V201, fact.message_id, await decide(turn, lifted.fact))
        except InputError:
            return DataTransferAnswer("Rejected")
        return DataTransferAnswer("Accepted", told.decode())

    return {(VENDOR, message): answer for message in MESSAGES}
