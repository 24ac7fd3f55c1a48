"""The registry of keys: root-signed entries in, this CPO's own keys out."""

from typing import Any

import msgspec
from litestar import Response, get, post

from wattseal.base.errors import InputError
from wattseal.flow.fleet import enrol
from wattseal.seal import dcbor
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import MAX_BODY_BYTES, What, Who

MAX_ENTRIES = 256


@post("/registry/entries")
async def post_entries(principal: Who, service: What, request: Req) -> Response[dict[str, Any]]:
    """Take root-signed registry entries (a CBOR array of statements); what is refused is named."""
    demand(principal, "registry:write")
    found = dcbor.decode(await request.body(), MAX_BODY_BYTES)
    if not isinstance(found, list) or not all(isinstance(entry, bytes) for entry in found):
        raise InputError("the body is a CBOR array of byte strings, one statement each", subject="body")
    if len(found) > MAX_ENTRIES:
        raise InputError(f"at most {MAX_ENTRIES} entries at once", subject="body")
    refused = await enrol.add_entries(service.world, found)
    body = {"accepted": len(found) - len(refused), "refused": refused}
    return Response(body, status_code=422 if refused else 200)


@get("/registry/keys")
async def get_keys(principal: Who, service: What) -> dict[str, Any]:
    """Show this CPO's public keys, its log's verifier key, and the certificate under which it signs OCPP messages.

    The keys are to be enrolled with a registry, the certificate with stations that check signed messages.
    """
    demand(principal, "registry:read")
    keys = [
        {
            "origin": entry.origin,
            "role": entry.role.name,
            "party": entry.party,
            "use": entry.use.name.lower(),
            "public_key": msgspec.json.decode(msgspec.json.encode(entry.spki)),
        }
        for entry in service.own_entries
    ]
    signer = service.world.message_signer
    certificate = None if signer is None else signer.certificate.decode("ascii")
    return {"party": service.world.party, "log": service.log_vkey, "keys": keys, "message_certificate": certificate}


ROUTES = (post_entries, get_keys)
