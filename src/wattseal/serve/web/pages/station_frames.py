"""A station's OCPP messages as they went over the wire, newest first, each with what was made of it."""

import asyncio
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from wattseal.base.ids import StationId
from wattseal.flow.verbs import transaction_of
from wattseal.model.transaction import EvidenceVerdict, Transaction
from wattseal.model.verdict import Verdict
from wattseal.serve.api.service import Service, What
from wattseal.serve.web.pages.station import READ, find_station, render_station
from wattseal.serve.web.viewer import Looks, Req, needs
from wattseal.stores.frame_queries import Frame, FrameQuery
from wattseal.wire.ocpp.signed import SUFFIX

READ_FRAMES = "frames:read"
PAGE = 50
MAX_SHOWN = 8192
"""Characters of a frame that the page shows."""
_KINDS = {"StartTransaction": "started", "MeterValues": "reading", "StopTransaction": "ended"}
_EVENTS = {"Started": "started", "Updated": "reading", "Ended": "ended"}
Words = Annotated[str, QueryParameter(max_length=255)]
Number = Annotated[int, QueryParameter(ge=0, le=10**15)]


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame, its text on lines of its own, its session, and what the signatures in it were worth."""

    frame: Frame
    text: str
    transaction: Transaction | None
    verdicts: tuple[EvidenceVerdict, ...]

    @property
    def signed(self) -> bool:
        """Whether the message as a whole is signed."""
        return (self.frame.action or "").endswith(SUFFIX)

    @property
    def broken(self) -> bool:
        """Whether a signature in it is wrong."""
        return any(one.verdict is Verdict.INVALID for one in self.verdicts)


@get("/stations/{station_id:str}/frames", security=[{}], include_in_schema=False, guards=[needs(READ, READ_FRAMES)])
async def station_frames(
    request: Req,
    viewer: Looks,
    service: What,
    station_id: FromPath[str],
    *,
    action: Words = "",
    direction: Words = "",
    text: Words = "",
    faulty: Words = "",
    after: Number = 0,
) -> Response[bytes]:
    """Show them."""
    found = await find_station(service, station_id)
    frames: list[Frame] = []
    next_id: int | None = None
    if service.frames is not None:
        query = FrameQuery(
            limit=PAGE,
            after=after,
            station_id=found.id,
            action=action or None,
            outgoing={"in": False, "out": True}.get(direction),
            text=text or None,
            faulty=True if faulty else None,
            newest=True,
        )
        frames, next_id = await asyncio.to_thread(service.frames.find, query)
    asked = {"action": action, "direction": direction, "text": text, "faulty": faulty}
    kept = {name: value for name, value in asked.items() if value}
    sees = viewer.may("transactions:read")
    return render_station(
        request,
        viewer,
        service,
        found,
        "station_frames.html",
        kept_here=service.frames is not None,
        rows=[await _shown(service, found.id, frame, sees_sessions=sees) for frame in frames],
        asked=asked,
        following=None if next_id is None else f"{request.url.path}?{urlencode({**kept, 'after': next_id})}",
    )


async def _shown(service: Service, station_id: str, frame: Frame, *, sees_sessions: bool) -> Shown:
    content = _content(frame)
    text = msgspec.json.format(frame.frame, indent=2) if content is not None else frame.frame
    transaction: Transaction | None = None
    verdicts: tuple[EvidenceVerdict, ...] = ()
    if sees_sessions and isinstance(content, dict) and not frame.outgoing and frame.type == 2:
        key, record = _session_in(frame, content)
        if key:
            transaction = await transaction_of(service.world, StationId(station_id), key)
        if transaction is not None:
            verdicts = tuple(one for one in transaction.verdicts if one.record in {record, "message"})
    return Shown(frame, text[:MAX_SHOWN], transaction, verdicts)


def _content(frame: Frame) -> object:
    """Return a frame's payload; None where it cannot be read."""
    try:
        parsed = msgspec.json.decode(frame.frame)
    except (msgspec.DecodeError, RecursionError):
        return None
    return parsed[-1] if isinstance(parsed, list) and parsed else parsed


def _session_in(frame: Frame, content: dict[str, object]) -> tuple[str, str]:
    """Return the station's id of the session that a message is about, and which of its records it made."""
    info = content.get("transactionInfo")
    if isinstance(info, dict):
        return str(info.get("transactionId", ""))[:64], _EVENTS.get(str(content.get("eventType")), "")
    key = content.get("transactionId")
    return "" if key is None else str(key)[:64], _KINDS.get(frame.action or "", "")


ROUTES = (station_frames,)
