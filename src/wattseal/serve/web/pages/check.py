"""The page on which anybody checks files of their own, also as one file to keep, and the receipts' service worker."""

from litestar import Response, get

from wattseal.serve.web.files import every_file
from wattseal.serve.web.render import CONTENT, HEADERS, render_public
from wattseal.serve.web.viewer import Req

ALONE, WORKER = "built/wattseal-check.html", "built/receipt_worker.js"


@get("/check", security=[{}], include_in_schema=False, sync_to_thread=False)
def check(request: Req) -> Response[bytes]:
    """Show it. What is checked never leaves the browser."""
    return render_public(request, "check.html")


@get("/check/download", security=[{}], include_in_schema=False, sync_to_thread=False)
def download() -> Response[bytes]:
    """Return the page as one file: its own policy forbids it all network."""
    headers = HEADERS | {
        "Content-Disposition": 'attachment; filename="wattseal-check.html"',
        "Cache-Control": "no-cache",
    }
    return Response(every_file()[ALONE], media_type=CONTENT, headers=headers)


@get("/receipt-worker.js", security=[{}], include_in_schema=False, sync_to_thread=False)
def receipt_worker() -> Response[bytes]:
    """Return the service worker; at the root, for a worker governs only what lies below its own address."""
    headers = {
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
    }
    return Response(every_file()[WORKER], media_type="text/javascript; charset=utf-8", headers=headers)


ROUTES = (check, download, receipt_worker)
