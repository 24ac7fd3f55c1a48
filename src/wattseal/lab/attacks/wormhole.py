"""T31: the session of one station is tunnelled through another and told as that one's."""

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.signing import enrol_signing
from wattseal.lab.lab import Lab
from wattseal.lab.means.kept_back import kept_back
from wattseal.lab.null import swapped
from wattseal.model.station import Station

CODES = ("evidence_invalid", "evidence_of_another_meter")


async def _perform(lab: Lab) -> Found:
    return await _tunnel(lab, any_meter=False)


async def _control(lab: Lab) -> Found:
    return await _tunnel(lab, any_meter=True)


async def _tunnel(lab: Lab, *, any_meter: bool) -> Found:
    async with lab.clockwork() as cpo:
        await cpo.token("CARD")
        first = await enrol_signing(cpo, "CHEAP", "METER-1")
        second = await enrol_signing(cpo, "DEAR", "METER-2")
        record = second.sign(0, 0, 60)
        if not any_meter:
            await first.charge(0, 0, 60, record)
            return await kept_back(cpo, await cpo.newest(), *CODES)
        with (
            swapped(Station, "meter_key", lambda *_: second.key.public.spki),
            swapped(Station, "meter_serial", lambda *_: None),
        ):
            await first.charge(0, 0, 60, record)
            return await kept_back(cpo, await cpo.newest(), *CODES)


ATTACK = Attack(
    line="T31",
    title="a charge at one station is told as another's, with the first one's genuine signed record",
    steps=(
        "charge at a station whose meter signs begin and end",
        "tell the session through the connection of another station, under that one's name and tariff",
        "give it the record that the first meter signed, and let it be billed",
    ),
    defence="a signed record is checked against the meter that is enrolled for the EVSE it is told of",
    without="a signature of any enrolled meter is as good as that of the EVSE's own",
    residual="between stations whose meters do not sign a tunnel is seen by registers only: the next start at either",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
