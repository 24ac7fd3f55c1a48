"""Whether the process lives, and whether what it acknowledges would be durable. No token is needed."""

from litestar import get

from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import PLAIN, What


@get("/healthz", security=[{}], media_type=PLAIN, sync_to_thread=False)
def healthz() -> str:
    """Say that the process lives."""
    return "ok\n"


@get("/readyz", security=[{}], media_type=PLAIN, sync_to_thread=False)
def readyz(service: What) -> str:
    """Say that what is acknowledged would be durable; 503 while it would not."""
    if not service.ready():
        raise ProblemError(503, "not_ready", "the journal cannot be written; stations are told to keep their messages")
    return "ready\n"


ROUTES = (healthz, readyz)
