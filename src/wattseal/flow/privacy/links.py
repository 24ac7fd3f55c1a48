"""One-time links by which drivers fetch what is held about them. Only a link's hash is kept."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace

from wattseal.crypto.hashes import sha256
from wattseal.flow.claims import claimed
from wattseal.flow.documents import every_document, put, read, removal
from wattseal.flow.money.accounts import note_account
from wattseal.flow.ports import Batch, Put
from wattseal.flow.privacy.desk import check_exportable
from wattseal.flow.world import World
from wattseal.model.export import ExportLink
from wattseal.rules.retention import DAY_MS
from wattseal.seal.account import AccountEvent

EXPORT_LINK = "export_link"
"""Document kind, by the digest in hex."""
SECRET_BYTES = 32


async def make_link(world: World, account_id: str, by: str) -> tuple[str, ExportLink]:
    """Make an account's link and return its secret, told here and nowhere else; earlier ones of it are void.

    A signed record says that it was made, and by whom (`no_such_account`, `not_a_driver`).
    """
    await check_exportable(world, account_id)
    secret = base64.urlsafe_b64encode(world.random.bytes(SECRET_BYTES)).decode().rstrip("=")
    now_ms = world.now_ms()
    until_ms = now_ms + world.settings.retention.export_links_days * DAY_MS
    gone = [one async for one in _all(world) if one.account == account_id or one.expires_ms <= now_ms]
    made = ExportLink(digest=sha256(secret.encode()), account=account_id, made_ms=now_ms, expires_ms=until_ms)
    removals = (removal(EXPORT_LINK, one.digest.hex(), now_ms) for one in gone)
    await note_account(world, account_id, AccountEvent.EXPORT_LINK_MADE, by)
    await world.journal.commit(Batch(world.tenant, puts=(*removals, _document(made, now_ms))))
    return secret, made


async def find_link(world: World, secret: str) -> ExportLink | None:
    """Return a link that was made, used or not; None for one that has expired, was replaced or never was."""
    document = await world.journal.document(world.tenant, EXPORT_LINK, sha256(secret.encode()).hex())
    link = None if document is None else read(document, ExportLink)
    return None if link is None or link.expires_ms <= world.now_ms() else link


async def use_link(world: World, link: ExportLink) -> bool:
    """Use a link up, durable on return; of several who do so at once one is let through."""
    with claimed(world, (f"export link {link.digest.hex()}",)) as mine:
        if not mine:
            return False
        document = await world.journal.document(world.tenant, EXPORT_LINK, link.digest.hex())
        if document is None or read(document, ExportLink).used_ms is not None:
            return False
        now_ms = world.now_ms()
        used = _document(replace(link, used_ms=now_ms), now_ms)
        await world.journal.commit(Batch(world.tenant, puts=(used,)))
        return True


def _document(link: ExportLink, now_ms: int) -> Put:
    return put(EXPORT_LINK, link.digest.hex(), link, now_ms)


async def _all(world: World) -> AsyncIterator[ExportLink]:
    async for document in every_document(world.journal, world.tenant, EXPORT_LINK):
        yield read(document, ExportLink)
