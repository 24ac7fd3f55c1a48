"""T07: a man in the middle lowers the register of a stop."""

import time

from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome as Judged
from wattseal.bundle.trust import Trust
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.lab.means.adversary import lower_stop
from wattseal.lab.means.tap import Tap

LOWERED_WH = (500, 3_000)
ENERGY_WH = (12_500, 30_000)


async def _perform(lab: Lab) -> Found:
    living = await lab.living()
    return await _lower(lab, living.world.scene.stations.signing, "2.0.1")


async def _control(lab: Lab) -> Found:
    """Charge where no meter signs: nothing is left that would contradict him."""
    living = await lab.living()
    return await _lower(lab, living.world.scene.stations.stock, "1.6")


async def _lower(lab: Lab, station: str, ocpp: str) -> Found:
    living = await lab.living()
    world = living.world
    capture = lab.fresh("capture")
    known = await world.transactions(station)
    began = time.monotonic()
    async with Tap(world.ocpp_url, lower_stop(lab.dice.number(*LOWERED_WH)), capture) as tap:
        energy_wh = lab.dice.number(*ENERGY_WH)
        url = tap.url_like(world.ocpp_url)
        await world.charge(station, ocpp, url, id_token=living.id_token, energy_wh=energy_wh)
        altered = tap.altered
    subject = (await world.newest(station, known))["id"]
    data = await world.cpo_bundle(subject)
    trust = Trust.parse(world.scene.trust.read_bytes())
    report = check_bundle(data, trust)
    if report.verdict is Judged.INCOMPLETE:
        await world.settled(subject)
        report = check_bundle(await world.emsp_bundle(subject), trust)
    seconds = round(time.monotonic() - began, 3)
    failure = report.failure
    if altered and report.verdict is Judged.INVALID and failure is not None:
        text = f"step {failure.number}, {failure.reason}: {failure.field} of {failure.record}"
        return Found(Outcome.DETECTED, text, seconds, records=1)
    return Found(Outcome.MISSED, f"{altered} frame lowered; the bundle is {report.verdict.value}")


ATTACK = Attack(
    line="T07",
    title="the register of a stop is lowered between station and operator",
    steps=(
        "end the station's connection in his own place and open another to the operator",
        "pass everything on but the stop, whose register he lowers",
        "give the bundle of the session to a verifier that has only the trust file",
    ),
    defence="the meter's signature over the register, checked against the enrolled key",
    without="the same at a station whose meter does not sign (G1)",
    residual="a stock station without an edge is believed as it is heard: its grade, G1, says so",
    expected=Outcome.DETECTED,
    ground=Ground.LIVING,
    perform=_perform,
    control=_control,
)
