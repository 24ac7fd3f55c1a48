"""However the members of a signed message are spelled, they are read as the strict parser reads them."""

from datetime import UTC, datetime

import pytest
from msgspec import Raw

from wattseal.base.errors import InputError
from wattseal.evidence import ocpp_jws
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.signed import Unwrapped, unwrap
from wattseal.wire.ocpp.version import Version

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "members",
    [
        b'{"protected":"e30","payload":"e30","signature":"AA"}',
        b' { "signature" : "AA", "payload" : "e30" , "protected" : "e30" } ',
        b'{"protected":"e30","payload":"\\u00653\\u0030","signature":"AA"}',
        b'{"protected":"e30","payload":"e30","signature":"AA","header":{}}',
        b'{"protected":"e30","payload":"e30","signature":"AA","signature":"AB"}',
        b'{"protected":"e30","payload":"e30","payload":"e31"}',
        b'{"protected":"e30","payload":"e30","other":"AA"}',
        b'{"protected":"e30","payload":"e30","signature":null}',
        b'{"protected":"e30","payload":"e30","signature":"A"A"}',
        b'{"protected":"e30","payload":"\xff","signature":"AA"}',
        b'["protected","e30","payload","e30","signature","AA"]',
    ],
)
def test_members_are_read_as_the_strict_parser_reads_them(members: bytes) -> None:
    found = unwrap(Version.V201, Call("1", "Heartbeat-Signed", Raw(members), b"", NOW))
    try:
        fields = guard.parse(members)
        expected = ocpp_jws.from_object(fields) if isinstance(fields, dict) else None
    except InputError:
        expected = None
    assert (found.message if isinstance(found, Unwrapped) else None) == expected
