"""Enrolling many stations or tokens at a running CSMS, over its API."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from wattseal.app.enrol_csv import BadRow, Row
from wattseal.base.errors import InputError

AT_ONCE = 8
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What came of a file: how many lines the CSMS took, and why it took others not."""

    taken: int
    refused: tuple[BadRow, ...]


async def enrol(url: str, token: str, what: str, rows: Sequence[Row], told: Callable[[], None]) -> Enrolled:
    """Send every row to `URL/api/v1/WHAT`; `told` is called after each. `InputError` where the CSMS is out of reach."""
    refused: list[BadRow] = []
    gate = asyncio.Semaphore(AT_ONCE)
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def send(row: Row) -> None:
            async with gate, session.post(f"{url.rstrip('/')}/api/v1/{what}", json=row.body) as answer:
                if answer.status in {401, 403}:
                    raise InputError("the CSMS does not take this token", code="not_allowed", subject="token")
                if answer.status >= 400:
                    problem = await answer.json(content_type=None)
                    refused.append(BadRow(row.line, str(problem.get("title", answer.status))))
            told()

        try:
            async with asyncio.TaskGroup() as group:
                for row in rows:
                    group.create_task(send(row))
        except* InputError as errors:
            raise errors.exceptions[0] from None
        except* (aiohttp.ClientError, TimeoutError) as errors:
            text = f"{url} does not answer: {errors.exceptions[0]}"
            raise InputError(text, code="unreachable", subject=url) from None
    refused.sort(key=lambda row: row.line)
    return Enrolled(len(rows) - len(refused), tuple(refused))
