"""What the process does about people: the first owner's link, and sessions that are over."""

from collections.abc import Awaitable, Callable

from aiohttp import ClientSession

from wattseal.app.settings import People as PeopleSettings
from wattseal.base.errors import ConfigError
from wattseal.dial.oidc import OidcProvider, safe
from wattseal.flow.people.outside import Outside
from wattseal.flow.people.sessions import People
from wattseal.rules.people_policy import HOUR_MS, PeoplePolicy
from wattseal.rules.roles import unknown

START = "the first start"


def people_policy(chosen: PeopleSettings) -> PeoplePolicy:
    """Return the flow's settings."""
    return PeoplePolicy(
        idle_ms=int(chosen.idle_h * HOUR_MS),
        session_ms=int(chosen.session_h * HOUR_MS),
        link_ms=int(chosen.link_h * HOUR_MS),
    )


def outside_of(people: People, chosen: PeopleSettings, session: ClientSession) -> Outside | None:
    """Return the provider where people may sign in, None where none is set; `ConfigError` for what cannot be."""
    if chosen.oidc_issuer is None:
        return None
    if chosen.oidc_client_id is None:
        raise ConfigError("a provider needs people.oidc_client_id", code="no_client", subject="people.oidc_client_id")
    if not safe(chosen.oidc_issuer):
        raise ConfigError("an issuer is https://...", code="bad_issuer", subject="people.oidc_issuer")
    if wrong := unknown(chosen.oidc_roles.values()):
        raise ConfigError(f"there is no role {wrong[0]}", code="unknown_role", subject="people.oidc_roles")
    if "partner" in chosen.oidc_roles.values():
        text = "a partner's person names the party: invite these one by one"
        raise ConfigError(text, code="no_party", subject="people.oidc_roles")
    secret = None if chosen.oidc_client_secret is None else chosen.oidc_client_secret.reveal()
    clock = people.world.clock
    provider = OidcProvider(session, clock, chosen.oidc_issuer, chosen.oidc_client_id, secret)
    return Outside(people.world, people, provider, chosen.oidc_groups_claim, chosen.oidc_roles)


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
