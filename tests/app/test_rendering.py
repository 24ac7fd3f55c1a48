"""Invoices are drawn in another process, which the CSMS's own never becomes."""

import subprocess
import sys
from dataclasses import replace

import pytest
from tests.rules.test_invoicing import HEAD, made
from tests.support.bills import bill
from tests.support.csms import ENVIRONMENT

from wattseal.app.rendering import RenderElsewhere
from wattseal.base.errors import StoreError
from wattseal.wire.einvoice.render import render


async def test_what_is_rendered_elsewhere_is_the_same() -> None:
    invoice = made(bill(1), head=replace(HEAD, number="LW-1"))
    renderer = RenderElsewhere()
    try:
        assert await renderer.render(invoice, {1: b"bundle"}) == render(invoice, {1: b"bundle"})
    finally:
        await renderer.close()


async def test_a_process_that_dies_fails_its_invoice_and_the_next_one_gets_another() -> None:
    invoice = made(bill(1))
    renderer = RenderElsewhere()
    try:
        await renderer.render(invoice, {})
        assert renderer._pool is not None
        for process in list(renderer._pool._processes.values()):
            process.kill()
            process.join()
        with pytest.raises(StoreError, match="try again"):
            await renderer.render(invoice, {})
        assert (await renderer.render(invoice, {})).pdf
    finally:
        await renderer.close()


def test_the_csms_itself_loads_no_library_that_draws() -> None:
    heavy = ("reportlab", "drafthorse", "pypdf", "lxml", "segno")
    code = f"import sys, wattseal.app.cpo; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)  # noqa: S603 - our own
    assert told.stdout == "[]\n"
