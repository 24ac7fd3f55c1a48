"""Settings: what one chose for oneself, and the configuration in force."""

from typing import Any

from litestar import Response, get, post

from wattseal.base.errors import InputError
from wattseal.flow.documents import ALARM
from wattseal.flow.preferences import MAX_NAME, MAX_PATH, mute, preferences_of, remove_view, save_view, see
from wattseal.serve.api.service import Service, What
from wattseal.serve.api.settings import READ, kept_in
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.alarm_words import TOPICS
from wattseal.serve.web.forms import Form, gone_to, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.network import Words
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

_DONE = {
    "saved": _("The view is saved: it is in the navigation."),
    "removed": _("The view is removed."),
    "topics": _("Your choice is kept."),
}


@get("/settings", security=[{}], include_in_schema=False, guards=[needs()])
async def settings(
    request: Req, viewer: Looks, service: What, *, save: Words = "", done: Words = ""
) -> Response[bytes]:
    """Show both; `save` is the address of a page to be saved as a view."""
    return await _page(request, viewer, service, save=save, done=_DONE.get(done, ""))


async def _page(
    request: Req, viewer: Viewer, service: Service, *, save: str = "", done: str = "", trouble: str = ""
) -> Response[bytes]:
    return render(
        request,
        viewer,
        "settings.html",
        status=422 if trouble else 200,
        chosen=await preferences_of(service.world, viewer.person),
        topics=TOPICS,
        save=save,
        done=done,
        trouble=trouble,
        most=(MAX_NAME, MAX_PATH),
        kept=kept_in(service) if viewer.may(READ) else None,
        configuration=_lines(service.settings) if viewer.may(READ) else None,
        counts_alarms=viewer.may("alarms:read"),
    )


def _lines(values: Any) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the sections of a configuration, each with its keys and values as text."""
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for name, section in values.items():
        for number, row in enumerate(section if isinstance(section, list) else [section]):
            title = f"{name} {number + 1}" if isinstance(section, list) else name
            told = row.items() if isinstance(row, dict) else [(name, row)]
            found.append((title, [(key, "" if value is None else str(value)) for key, value in told]))
    return found


@post("/settings/views", security=[{}], include_in_schema=False, guards=[needs()])
async def post_view(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Save a view, or remove one."""
    check_form(request, viewer, data)
    try:
        name = text_of(data, "name", MAX_NAME, least=1)
        if data.get("what") == "remove":
            await remove_view(service.world, viewer.person, name)
            return gone_to("/settings", done="removed")
        await save_view(service.world, viewer.person, name, text_of(data, "view", MAX_PATH, least=1))
    except InputError as error:
        return await _page(request, viewer, service, save=data.get("view", ""), trouble=str(error))
    return gone_to("/settings", done="saved")


@post("/settings/topics", security=[{}], include_in_schema=False, guards=[needs()])
async def post_topics(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Choose which alarms are counted in the navigation."""
    check_form(request, viewer, data)
    await mute(service.world, viewer.person, (topic for topic in TOPICS if data.get(topic) != "yes"))
    return gone_to("/settings", done="topics")


@post("/alarms/seen", security=[{}], include_in_schema=False, guards=[needs("alarms:read")])
async def post_seen(request: Req, viewer: Looks, service: What, data: Form) -> Response[Any]:
    """Count no alarm that is there already."""
    check_form(request, viewer, data)
    world = service.world
    page = await world.journal.documents(world.tenant, ALARM, limit=1, newest=True)
    if page:
        await see(world, viewer.person, page[0].key)
    return gone_to("/alarms")


ROUTES = (settings, post_view, post_topics, post_seen)
