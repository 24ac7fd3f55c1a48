"""Alarms: what somebody should look at, newest first, what each means and what to do about it."""

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.flow.alarm_keeper import AlarmError, AlarmKeeper
from wattseal.flow.documents import ALARM
from wattseal.flow.listing import Wanted, latest
from wattseal.model.alarm import Alarm, AlarmState, Severity
from wattseal.rules.alarms import severity_of, shown_to
from wattseal.rules.runbooks import RUNBOOKS
from wattseal.seal.alarm import AlarmEvent
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import ShortQuery, What
from wattseal.serve.web.alarm_words import TOPICS, advice_of, topic_of, words_of
from wattseal.serve.web.forms import Form, gone_to
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.network import Words
from wattseal.serve.web.pages.persons import person_of
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, HANDLE = "alarms:read", "alarms:handle"
STATES = {
    AlarmState.OPEN: _("open"),
    AlarmState.ACKNOWLEDGED: _("somebody looks at it"),
    AlarmState.CLOSED: _("closed"),
    AlarmState.CLEARED: _("over by itself"),
}
SEVERITIES = {
    Severity.CRITICAL: _("critical"),
    Severity.WARNING: _("warning"),
    Severity.NOTICE: _("notice"),
}
TROUBLES = {"alarm_over": _("this alarm does not stand any more"), "no_alarm": _("there is no such alarm")}
_EVENTS = {"acknowledge": AlarmEvent.ACKNOWLEDGED, "close": AlarmEvent.CLOSED}
PAGE = 50


@get("/alarms", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def alarms(
    request: Req,
    viewer: Looks,
    service: What,
    *,
    station: Words = "",
    topic: Words = "",
    code: Words = "",
    stands: Words = "",
    trouble: Words = "",
    after: ShortQuery = None,
) -> Response[bytes]:
    """Show them."""

    def keep(alarm: Alarm) -> bool:
        about = topic_of(alarm.code, transaction=alarm.transaction is not None)
        return (not code or alarm.code == code) and (not topic or about == topic)

    active = True if stands == "yes" else None
    wanted = Wanted(limit=PAGE, after=after or "", station_id=station or None, active=active)
    found, next_key = await latest(service.world, ALARM, Alarm, wanted, keep if code or topic else None)
    found.sort(key=lambda one: one.at_ms, reverse=True)
    asked = {"station": station, "topic": topic, "code": code, "stands": stands}
    return render(
        request,
        viewer,
        "alarms.html",
        rows=[
            (one, topic_of(one.code, transaction=one.transaction is not None), words_of(one.code), _advice(one))
            for one in (shown_to(alarm, reads_energy=viewer.may("energy:read")) for alarm in found)
        ],
        asked=asked,
        topics=TOPICS,
        words=words_of,
        following=None if next_key is None else _next(asked, next_key),
        sees_sessions=viewer.may("transactions:read"),
        handles=viewer.may(HANDLE),
        states=STATES,
        severities=SEVERITIES,
        trouble=TROUBLES.get(trouble, ""),
    )


def _next(asked: dict[str, str], after: str) -> str:
    return f"/alarms?{urlencode({**{name: value for name, value in asked.items() if value}, 'after': after})}"


def _advice(alarm: Alarm) -> str:
    return advice_of(alarm.code, transaction=alarm.transaction is not None)


@post("/alarms/{key:str}", security=[{}], include_in_schema=False, guards=[needs(READ, HANDLE)])
async def handle_alarm(request: Req, viewer: Looks, service: What, key: FromPath[str], data: Form) -> Response[Any]:
    """Acknowledge or close one, in the viewer's name."""
    check_form(request, viewer, data)
    event = _EVENTS.get(data.get("do", ""))
    try:
        if event is not None:
            await AlarmKeeper(service.world).act(key, event, person_of(viewer))
    except AlarmError as error:
        return gone_to("/alarms", trouble=error.code)
    return gone_to("/alarms", stands="yes")


@get("/alarms/runbooks/{code:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def show_runbook(request: Req, viewer: Looks, code: FromPath[str]) -> Response[bytes]:
    """Show what an alarm means, what to check and to do, and what not to conclude."""
    runbook = RUNBOOKS.get(code)
    if runbook is None:
        raise ProblemError(404, "not_found", _("there is no such alarm"))
    severity = SEVERITIES[severity_of(code)]
    return render(request, viewer, "runbook.html", code=code, said=words_of(code), runbook=runbook, severity=severity)


ROUTES = (alarms, handle_alarm, show_runbook)
