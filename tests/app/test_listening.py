"""What answers over HTTP does not tell what it is made of."""

import asyncio

import pytest
from aiohttp import web

from wattseal.app.listening import listening


async def said(port: int, request: bytes) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(
    "request_",
    [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\r\n\r\n"],
)
async def test_no_answer_names_the_versions_behind_it(request_: bytes) -> None:
    async def root(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    application = web.Application()
    application.router.add_get("/", root)
    async with listening(application, "127.0.0.1", 0) as port:
        answer = await said(port, request_)
    assert answer.startswith("HTTP/1.")
    assert "Server: wattseal\r\n" in answer
    assert "ython" not in answer
    assert "aiohttp" not in answer
