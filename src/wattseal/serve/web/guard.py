"""Whether a form came from a page of ours: the session's own token in it, and an origin that is this one."""

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from wattseal.crypto.hashes import sha256
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.viewer import Req

FIELD = "csrf"


def csrf_of(secret: str) -> str:
    """Return the token that forms of a session bear; the session's secret cannot be had from it."""
    return sha256(b"wattseal csrf\x00" + secret.encode()).hex()


def check_form(request: Req, viewer: Viewer, form: Mapping[str, str]) -> None:
    """Go on only with a form that a page of this session sent; else 403."""
    check_origin(request)
    if not hmac.compare_digest(form.get(FIELD, "").encode(), viewer.csrf.encode()):
        raise ProblemError(403, "not_from_here", "this form is out of date: reload the page and try again")


def check_origin(request: Req) -> None:
    """Refuse what a page of another site sent (Fetch Metadata where the browser tells, else Origin)."""
    if not same_origin(request):
        raise ProblemError(403, "not_from_here", "this was sent by a page of another site")


def same_origin(request: Req) -> bool:
    """Return whether a request comes from our own pages, or from no page at all."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
