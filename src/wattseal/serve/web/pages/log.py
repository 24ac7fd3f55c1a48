"""The transparency log: how large it is, what was published last, who cosigned that, how it grew, whose keys sign."""

from dataclasses import dataclass

import msgspec
from litestar import Response, get

from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import CHECKPOINT
from wattseal.flow.ports import Put
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import VerifierKey
from wattseal.log.text import encode_base64
from wattseal.serve.api.service import Service, What
from wattseal.serve.web.render import render
from wattseal.serve.web.viewer import Looks, Req, needs

HEAD = ("checkpoint_head", "log")
"""Kind and key of the document of the highest checkpoint published."""
GROWTH = 12
READ_KEYS = "registry:read"


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness that this log asks: its party, its key, and when it cosigned the latest checkpoint, if it did."""

    party: str
    vkey: str
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One kept checkpoint: when, how large the log was, how many entries it had more than the one before."""

    at_ms: int
    size: int
    more: int | None


@dataclass(frozen=True, slots=True)
class Cosigned:
    """How the latest checkpoint stands: its size and time, and how many of the witnesses asked cosigned it."""

    size: int
    at_ms: int | None
    seen: int
    asked: int


async def cosigned(service: Service) -> Cosigned:
    """Return how the latest checkpoint stands."""
    document = await service.world.journal.document(service.world.tenant, *HEAD)
    signed = None if document is None else _read(document)
    found = _witnesses(service, signed)
    size = 0 if signed is None else signed.checkpoint.size
    at_ms = None if document is None else document.updated_at_ms
    return Cosigned(size, at_ms, sum(one.at_ms is not None for one in found), len(found))


class _Kept(msgspec.Struct):
    note: str


@get("/log", security=[{}], include_in_schema=False, guards=[needs()])
async def log(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show it."""
    world = service.world
    document = await world.journal.document(world.tenant, *HEAD)
    signed = None if document is None else _read(document)
    kept = await world.journal.documents(world.tenant, CHECKPOINT, limit=GROWTH + 1, newest=True)
    keys = service.own_entries if viewer.may(READ_KEYS) else ()
    return render(
        request,
        viewer,
        "log.html",
        origin=world.log_origin,
        vkey=service.log_vkey,
        checkpoint=None if signed is None else signed.checkpoint,
        root="" if signed is None else encode_base64(signed.checkpoint.root),
        note="" if signed is None else signed.encode().decode(),
        at_ms=None if document is None else document.updated_at_ms,
        entries=await world.journal.log_size(world.tenant),
        witnesses=_witnesses(service, signed),
        quorum=None if world.trust is None else world.trust.quorum,
        growth=_growth(kept),
        keys=[(one, sha256(one.spki).hex()) for one in keys],
        sees_keys=viewer.may(READ_KEYS),
        host=str(request.base_url).rstrip("/"),
    )


def _read(document: Put) -> SignedCheckpoint:
    return SignedCheckpoint.parse(msgspec.json.decode(document.body, type=_Kept).note.encode())


def _witnesses(service: Service, signed: SignedCheckpoint | None) -> list[Witness]:
    """Return who is asked; a cosignature counts only where it verifies under the witness's key."""
    keys = {party: VerifierKey.parse(vkey) for party, vkey in service.witnesses.items()}
    found = () if signed is None else cosignatures(signed.note, keys.values())
    seen = {one.key: one.time_s * 1000 for one in found}
    return [Witness(party, str(key), seen.get(key)) for party, key in sorted(keys.items())]


def _growth(kept: tuple[Put, ...]) -> list[Step]:
    """Return the latest checkpoints, newest first."""
    sizes = [int(document.key) for document in kept]
    before = [*sizes[1:], None]
    steps = [
        Step(document.updated_at_ms, size, None if earlier is None else size - earlier)
        for document, size, earlier in zip(kept, sizes, before, strict=True)
    ]
    return steps[:GROWTH]


ROUTES = (log,)
