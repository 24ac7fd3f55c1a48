"""A witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, `GET /healthz`."""

import asyncio
from threading import Lock

from aiohttp import web

from wattseal.base.errors import WattsealError
from wattseal.flow.ports import Clock
from wattseal.log.witness import MAX_REQUEST, PLAIN, Witness, WitnessResponse
from wattseal.stores.witness import WitnessStore

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class WitnessService:
    """One witness behind HTTP. Requests are decided one at a time: reading, deciding and storing are one step."""

    def __init__(self, store: WitnessStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turn = Lock()

    def application(self) -> web.Application:
        """Return the aiohttp application; larger bodies than a request can have are answered 413."""
        application = web.Application(client_max_size=MAX_REQUEST)
        application.router.add_post("/add-checkpoint", self.add_checkpoint)
        application.router.add_get("/healthz", self.health)
        application.router.add_get("/{origin_hash}/checkpoint", self.checkpoint)
        return application

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        """Answer add-checkpoint. If the disk or the state fails: 503, and no cosignature has left."""
        body = await request.read()
        try:
            answer = await asyncio.to_thread(self._decide_and_store, body)
        except WattsealError as error:
            answer = WitnessResponse(503, PLAIN, f"{error.code}\n".encode())
        return _respond(answer.status, answer.content_type, answer.body)

    def _decide_and_store(self, body: bytes) -> WitnessResponse:
        with self._turn:
            now_s = int(self._clock.now().timestamp())
            witness = Witness(self._store.key, self._store.trusted())
            answer = witness.add_checkpoint(body, self._store.latest, now_s)
            if answer.update is not None:
                self._store.save(answer.update)
            return answer

    async def checkpoint(self, request: web.Request) -> web.Response:
        """Answer a monitor with the latest cosigned checkpoint of a log, or 404."""
        data = await asyncio.to_thread(self._store.published, request.match_info["origin_hash"])
        return _respond(404, PLAIN, b"never cosigned\n") if data is None else _respond(200, PLAIN, data)

    async def health(self, _request: web.Request) -> web.Response:
        """Tell that the process answers, and under which key."""
        return _respond(200, PLAIN, f"{self._store.key.verifier}\n".encode())


def _respond(status: int, content_type: str, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={**_HEADERS, "Content-Type": content_type})
