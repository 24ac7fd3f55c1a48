"""The statement that this process lives and tells its alarms, for whoever watches from outside. No token is needed."""

from litestar import get

from wattseal.log.alive import PATH
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import PLAIN, What


@get(PATH, security=[{}], media_type=PLAIN, sync_to_thread=False)
def get_alive(service: What) -> bytes:
    """Return the latest statement: signed, dated, with counts of alarms and the log's checkpoint."""
    statement = service.statement()
    if statement is None:
        raise ProblemError(503, "not_ready", "no statement was made yet")
    return statement


ROUTES = (get_alive,)
