"""A small HTTP service inside the process's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web, web_response

from wattseal.base.errors import ConfigError

web_response.SERVER_SOFTWARE = "wattseal"  # type: ignore[attr-defined] # of the module, not exported
"""Answers do not tell which versions of what they come from, not even those to what is no HTTP."""


@asynccontextmanager
async def listening(application: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve meanwhile and give the port; requests under way are finished. `ConfigError` where it cannot be taken."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            text = f"cannot listen on {host}:{port}: {error.strerror}: choose another port"
            raise ConfigError(text, code="port_unusable", subject=str(port)) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
