"""T60: a station tells texts that are to run as script in an operator's browser."""

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import now_text
from wattseal.lab.means.looking import MARK, Looked, look
from wattseal.lab.means.visitor import hired
from wattseal.lab.null import take_out
from wattseal.serve.web import render
from wattseal.serve.web.nav import NAVIGATION

OLD, NEW = "EVIL16", "EVIL201"
IMAGE = f"<img src=x onerror=alert('{MARK}')>"
SCRIPT = f"</td><script>alert('{MARK}')</script>"
QUOTED = f"\"><img src=x onerror=alert('{MARK}')>"
HARMS = (IMAGE, SCRIPT, QUOTED, f"' autofocus onfocus=alert('{MARK}') x='")
SHOWING = ("/sessions", "/alarms", f"/stations/{OLD}", f"/stations/{NEW}")
"""Where most of what stations tell is shown."""
PATHS = (*(place.path for _, places in NAVIGATION for place in places), *SHOWING[2:])


async def _perform(lab: Lab) -> Found:
    looked = await told_and_looked(lab, paths=PATHS)
    if looked.ran or looked.refused:
        text = f"{looked.by}: ran {looked.ran[:3]}; the policy had to refuse {looked.refused}"
        return Found(Outcome.MISSED, text)
    text = (
        f"{looked.by} opened {looked.pages} pages after {len(HARMS)} hostile texts in every place that stations fill: "
        "no script ran, and none was in a page"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("pages opened", looked.pages, "pages"),))


async def _control(lab: Lab) -> Found:
    looked = await told_and_looked(lab, "station_script")
    if looked.ran:
        return Found(Outcome.MISSED, f"{looked.by}: {len(looked.ran)} scripts ran, the first at {looked.ran[0]}")
    return Found(Outcome.PREVENTED, f"{looked.by}: nothing ran on {looked.pages} pages")


def undefend() -> None:
    """Write texts into pages as they are, and let scripts in pages run."""
    take_out(render.environment(), "autoescape", null=False)
    take_out(render, "HEADERS", {"Cache-Control": "no-store"})


async def told_and_looked(lab: Lab, undefend: str | None = None, paths: tuple[str, ...] = SHOWING) -> Looked:
    """Tell the hostile texts as two stations, and open pages as the owner."""
    async with lab.alone(undefend=undefend) as cpo:
        await cpo.enrol(OLD)
        await cpo.enrol(NEW)
        for harm in HARMS:
            await _tell_16(cpo, harm)
            await _tell_201(cpo, harm)
        (session, *_) = await cpo.api("GET", "/api/v1/transactions")
        return await look(await hired(cpo), (*paths, f"/sessions/{session['id']}"))


async def _tell_16(cpo: Alone, harm: str) -> None:
    async with cpo.station(OLD) as line:
        boot = {"chargePointVendor": harm[:20], "chargePointModel": harm[:20], "firmwareVersion": harm[:50]}
        await line.call("BootNotification", boot)
        status = {"connectorId": 1, "status": "Faulted", "errorCode": "OtherError", "info": harm[:50]}
        await line.call("StatusNotification", status | {"vendorId": harm, "vendorErrorCode": harm[:50]})
        start = {"connectorId": 1, "idTag": harm[:20], "meterStart": 9_000, "timestamp": now_text()}
        number = (await line.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": number, "meterStop": 10, "timestamp": now_text(1), "idTag": harm[:20]}
        await line.call("StopTransaction", stop)


async def _tell_201(cpo: Alone, harm: str) -> None:
    async with cpo.station(NEW, "2.0.1") as line:
        told = {"vendorName": harm[:50], "model": harm[:20], "serialNumber": harm[:25], "firmwareVersion": harm[:50]}
        await line.call("BootNotification", {"reason": "PowerUp", "chargingStation": told})
        event = {"type": harm[:50], "techInfo": harm, "timestamp": now_text()}
        await line.call("SecurityEventNotification", event)
        begun = {
            "eventType": "Started",
            "timestamp": now_text(),
            "triggerReason": "Authorized",
            "seqNo": 0,
            "transactionInfo": {"transactionId": harm[:36]},
            "idToken": {"idToken": harm[:36], "type": "Central"},
            "evse": {"id": 1, "connectorId": 1},
        }
        await line.call("TransactionEvent", begun)


ATTACK = Attack(
    line="T60",
    title="texts of a station run as script where an operator looks at them",
    steps=(
        "tell markup with scripts as vendor, model, firmware, error, card, transaction id and security event",
        "as the owner, open every page of the navigation, both stations and a session",
        "see whether a script of the station ran or was in a page",
    ),
    defence="every value is escaped where a template shows it, and the policy of each page runs only our own files",
    without="templates show values as they are, and pages come without a policy",
    residual="texts are shown as they were told: an operator can still be deceived by what they say",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
