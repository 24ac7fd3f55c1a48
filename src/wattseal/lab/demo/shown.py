"""Act (j): the operator's database is edited while it is in use, and its own pages turn red; then where to look."""

import time
from typing import Any

from wattseal.lab.demo.story import Story, Tampered
from wattseal.lab.means.insider import Insider

BROKEN = "session_broken"


async def edit_what_is_shown(story: Story) -> None:
    """Play (j): what the pages would show is lowered in the running database; the system finds it by itself."""
    scene, world = story.world.scene, story.world
    story.say("(j) Somebody edits the running database: one session shall look smaller.")
    session = next(s for s in story.told.sessions if s["station"] == scene.stations.stock)["transaction"]
    insider, began = Insider(scene.home("cpo")), time.monotonic()
    insider.lower_projection(session, story.dice.number(100, 2_000))

    async def look() -> Any:
        alarms = await world.cpo("GET", "/api/v1/alarms?limit=1000")
        return next((a for a in alarms if a["code"] == BROKEN and a["transaction"] == session), None)

    alarm = await world.wait(look, "nobody noticed that the database was edited")
    where = f"{alarm['field']}: {alarm['detail']}"
    story.told.expect(held="end_wh" in where, what=f"(j) the alarm names the field ({where})")
    seconds = round(time.monotonic() - began, 3)
    capture = story.capture("j-shown")
    story.tell(Tampered("j-shown", "what the pages show", "detected", where, seconds, str(capture), None))
    story.told.shown["broken"] = session


async def tell_where(story: Story) -> None:
    """Say where the operator's pages and one driver's receipt are; the link makes its holder an owner, once."""
    world, invoice = story.world, story.told.money["invoice"]
    link = await world.cpo("POST", "/api/v1/people/owner-link")
    dashboard = f"{world.cpo_url}/join/{link['secret']}"
    bill = await world.bill(invoice["sessions"][0])
    receipt = f"{world.cpo_url}/r/{bill['receipt'] if bill else ''}"
    story.told.shown |= {"dashboard": dashboard, "receipt": receipt, "stations": world.ocpp_url}
    story.say(f"The operator's pages, by a link good once: {dashboard}")
    story.say(f"    the session that was edited is red there: {world.cpo_url}/sessions/{story.told.shown['broken']}")
    story.say(f"A driver's receipt, which checks itself in the browser: {receipt}")
