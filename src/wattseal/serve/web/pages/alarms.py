"""Alarms: what somebody should look at, newest first, what each means and what to do about it."""

from urllib.parse import urlencode

from litestar import Response, get

from wattseal.flow.documents import ALARM
from wattseal.flow.listing import Wanted, latest
from wattseal.flow.turn import Alarm
from wattseal.serve.api.service import ShortQuery, What
from wattseal.serve.web.alarm_words import TOPICS, advice_of, topic_of, words_of
from wattseal.serve.web.pages.network import Words
from wattseal.serve.web.render import render
from wattseal.serve.web.viewer import Looks, Req, needs

READ = "alarms:read"
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
    after: ShortQuery = None,
) -> Response[bytes]:
    """Show them."""

    def keep(alarm: Alarm) -> bool:
        about = topic_of(alarm.code, transaction=alarm.transaction is not None)
        return (not code or alarm.code == code) and (not topic or about == topic)

    wanted = Wanted(limit=PAGE, after=after or "", station_id=station or None)
    found, next_key = await latest(service.world, ALARM, Alarm, wanted, keep if code or topic else None)
    found.sort(key=lambda one: one.at_ms, reverse=True)
    asked = {name: value for name, value in (("station", station), ("topic", topic), ("code", code)) if value}
    return render(
        request,
        viewer,
        "alarms.html",
        rows=[
            (one, topic_of(one.code, transaction=one.transaction is not None), words_of(one.code), _advice(one))
            for one in found
        ],
        asked={"station": station, "topic": topic, "code": code},
        topics=TOPICS,
        words=words_of,
        following=None if next_key is None else f"/alarms?{urlencode({**asked, 'after': next_key})}",
        sees_stations=viewer.may("stations:read"),
        sees_sessions=viewer.may("transactions:read"),
    )


def _advice(alarm: Alarm) -> str:
    return advice_of(alarm.code, transaction=alarm.transaction is not None)


ROUTES = (alarms,)
