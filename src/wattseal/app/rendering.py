"""Invoices rendered in a process of their own: stations do not wait for pages."""

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from wattseal.base.errors import StoreError
from wattseal.model.invoice import Invoice
from wattseal.wire.einvoice.render import Rendered, render

RENDERED_AT_MOST = 500
"""After so many invoices the process is replaced."""
NICE = 10


class RenderElsewhere:
    """Port `Renderer`: one invoice at a time; others wait. The process begins with the first invoice."""

    def __init__(self) -> None:
        """Begin nothing yet."""
        self._pool: ProcessPoolExecutor | None = None

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        """Return the files of an invoice; `StoreError` where the process died of it."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, get_context("spawn"), initializer=os.nice, initargs=(NICE,), max_tasks_per_child=RENDERED_AT_MOST
            )
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, render, invoice, dict(bundles))
        except BrokenProcessPool as error:
            self._pool = None
            raise StoreError("rendering was cut off; try again", code="not_rendered", subject="renderer") from error

    async def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            self._pool = None
