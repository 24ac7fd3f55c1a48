"""What must hold of a disk after a power cut: it opens as `wattseal serve` opens it, and every promise was kept."""

from pathlib import Path

from tests.torn.machine import Image, Machine
from tests.torn.work import go_on

from wattseal.app.cpo.tenant import TENANT
from wattseal.app.fsck import run_fsck
from wattseal.base.errors import WattsealError
from wattseal.base.ids import TenantId
from wattseal.flow.ports import Journal
from wattseal.lab.grounds.clockwork import Clockwork, clockwork
from wattseal.log.merkle import Tree, leaf_hash
from wattseal.model.verdict import Finding

PAGE = 1000
LEAST = 20
"""A refusal has at least so many characters."""


class TornError(AssertionError):
    """A promise was broken."""


async def hold(image: Image, machine: Machine, folder: Path, minutes: float, *, further: bool = False) -> None:
    """Start on an image; with `further` charge once more, and re-prove all of it."""
    image.write(folder)
    async with clockwork(folder, {}) as cpo:
        await cpo.parts.keeper.step(1)
        await nothing_lost(image, machine, cpo)
        await no_second_history(image, machine, cpo)
        if further:
            await go_on(cpo, minutes)
            await no_second_history(image, machine, cpo)
    if further:
        found = (await run_fsck(folder, trust_file=None)).findings
        if found:
            raise TornError(f"{image.where}: fsck found {shown(found)}")


async def nothing_lost(image: Image, machine: Machine, cpo: Clockwork) -> None:
    """Check that the records are those that were written, from the first on, and all whose commits had returned."""
    kept = await records(cpo.world.journal)
    if kept != machine.records[: len(kept)]:
        raise TornError(f"{image.where}: the journal holds what was never written, or in another order")
    if len(kept) < image.durable:
        raise TornError(f"{image.where}: {image.durable} records were acknowledged, {len(kept)} are left")


async def no_second_history(image: Image, machine: Machine, cpo: Clockwork) -> None:
    """Check that what is signed now contains every checkpoint that was signed before."""
    public = max((one.checkpoint.size for one in image.shown), default=0)
    entries = [*machine.leaves[:public], *await leaves(cpo.world.journal, public)]
    tree = Tree()
    latest = cpo.parts.keeper.log.latest
    assert latest is not None
    for signed in sorted((*image.shown, latest), key=lambda one: one.checkpoint.size):
        size = signed.checkpoint.size
        tree.extend(leaf_hash(entry) for entry in entries[tree.size : size])
        if (tree.size, tree.root()) != (size, signed.checkpoint.root):
            raise TornError(f"{image.where}: the checkpoint of {size} entries is of another history")


async def records(journal: Journal, tenant: TenantId = TENANT) -> list[bytes]:
    """Return the payload hashes of all records in the order of their commits."""
    found: list[bytes] = []
    after = 0
    while page := await journal.replay(tenant, after, PAGE):
        found += [bytes(kept.item.payload_hash) for kept in page]
        after = page[-1].position
    return found


async def leaves(journal: Journal, start: int) -> list[bytes]:
    """Return the entries of the log that the journal has, from an index on."""
    found: list[bytes] = []
    while page := await journal.leaves(TENANT, start + len(found), PAGE):
        found += page
    return found


def shown(findings: tuple[Finding, ...]) -> str:
    """Return findings in few words."""
    return ", ".join(f"{one.code} at {one.field}" for one in findings[:3])


async def hold_damaged(image: Image, machine: Machine, folder: Path) -> str:
    """Start on an image whose synced bytes were damaged; returns what came of it.

    It starts on records that were written, from the first on, and signs no second history; or it refuses, and says
    what to do. Where records that were durable are gone or others, fsck or the refusal says so.
    """
    image.write(folder)
    try:
        found = (await run_fsck(folder, trust_file=None)).findings
        told = shown(found)
    except WattsealError as error:
        told = _said(error)
    try:
        async with clockwork(folder, {}) as cpo:
            kept = await records(cpo.world.journal)
            await cpo.parts.keeper.step(1)
            await no_second_history(image, machine, cpo)
    except WattsealError as error:
        return f"refused: {_said(error)}"
    if kept == machine.records:
        return "whole" if not told else "reported"
    if told:
        return "reported"
    if kept != machine.records[: len(kept)]:
        raise TornError(f"{image.where}: records that were never written, and fsck says nothing")
    return "earlier"


def _said(error: WattsealError) -> str:
    if len(str(error)) < LEAST:
        raise TornError(f"{error.code} does not say what to do: {error}") from error
    return error.code
