"""T60: a text of a station got into a page as markup after all: the page's policy is what is left."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.attacks.station_script import told_and_looked
from wattseal.lab.lab import Lab
from wattseal.lab.null import take_out
from wattseal.serve.web import render


async def _perform(lab: Lab) -> Found:
    looked = await told_and_looked(lab, "script_in_page")
    if looked.ran or not looked.refused:
        return Found(Outcome.MISSED, f"{looked.by}: {looked.refused} scripts were refused, {len(looked.ran)} ran")
    text = f"{looked.by} opened {looked.pages} pages: the policy refused {looked.refused} scripts that were in them"
    return Found(Outcome.PREVENTED, text)


async def _control(lab: Lab) -> Found:
    looked = await told_and_looked(lab, "station_script")
    if looked.ran:
        return Found(Outcome.MISSED, f"{looked.by}: {len(looked.ran)} scripts ran, the first at {looked.ran[0]}")
    return Found(Outcome.PREVENTED, f"{looked.by}: nothing ran on {looked.pages} pages")


def undefend() -> None:
    """Write texts into pages as they are; the policy stays."""
    take_out(render.environment(), "autoescape", null=False)


ATTACK = Attack(
    line="T60",
    title="a text was shown without escaping: markup of a station is in the pages",
    steps=(
        "take the escaping out of every template, as one forgotten place would",
        "tell markup with scripts in every place that stations fill, and open every page as the owner",
        "see whether a script of the station runs",
    ),
    defence="the policy of each page (Content-Security-Policy) runs scripts from our own files only",
    without="pages come without a policy",
    residual="markup without script could still change what a page looks like; escaping is what prevents that",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
