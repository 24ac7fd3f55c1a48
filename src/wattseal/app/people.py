"""What the process does about people: the first owner's link, and sessions that are over."""

from collections.abc import Awaitable, Callable

from wattseal.app.settings import People as PeopleSettings
from wattseal.flow.people.sessions import People
from wattseal.rules.people_policy import HOUR_MS, PeoplePolicy

START = "the first start"


def people_policy(chosen: PeopleSettings) -> PeoplePolicy:
    """Return the flow's settings."""
    return PeoplePolicy(
        idle_ms=int(chosen.idle_h * HOUR_MS),
        session_ms=int(chosen.session_h * HOUR_MS),
        link_ms=int(chosen.link_h * HOUR_MS),
    )


async def first_owner(people: People, base: str) -> str | None:
    """Return the one-time link by which somebody becomes the owner; None where there is one."""
    await people.ready()
    if people.register.owners():
        return None
    return f"{base}/join/{await people.links.for_owner(START)}"


def forget_sessions(people: People) -> Callable[[], Awaitable[None]]:
    """Return the job that removes sessions and links that are over."""

    async def forget() -> None:
        await people.forget_old()

    return forget
