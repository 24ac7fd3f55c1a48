"""Everything that is held about a driver, as one archive."""

from collections.abc import AsyncIterator

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from wattseal.flow.privacy.desk import Busy
from wattseal.serve.api.problems import ProblemError, demand
from wattseal.serve.api.service import What, Who

EXPORT, ERASED = "accounts:export", "invoices:erased"
ZIP = "application/zip"


@get("/accounts/{account_id:str}/export", media_type=ZIP)
async def get_export(principal: Who, service: What, account_id: FromPath[str]) -> Stream:
    """Return everything that is held about an account's holder as a ZIP: README.txt, data.json, tables, files.

    Nobody else's data is in it. A signed record says who asked. 409 `not_a_driver` for an eMSP's account, 413
    `export_too_large` for one with more than 20,000 sessions, 429 `export_busy` where two are being written, or six of
    this account were within an hour.
    """
    demand(principal, EXPORT)
    made = await service.exports.begin(
        service.world, service.proofs, account_id, principal.name, erased=principal.may(ERASED)
    )
    if made is None or isinstance(made, Busy):
        text = "too many archives are being made at present; ask again later"
        raise ProblemError(429, "export_busy", text, retry_after_s=None if made is None else made.after_s)
    return sent(made, account_id)


def sent(chunks: AsyncIterator[bytes], account_id: str) -> Stream:
    """Return an archive as an answer that nobody on the way keeps."""
    headers = {
        "Content-Disposition": f'attachment; filename="wattseal-{account_id[:8]}.zip"',
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Stream(chunks, media_type=ZIP, headers=headers)


ROUTES = (get_export,)
