"""T44: the copy of a card charges while its owner does, and where the owner cannot have got to."""

from wattseal.flow.fleet.sites import put_site
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.model.site import Site
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Transaction
from wattseal.watch import DETECTORS, Watch

CODE = "cloned_token"
PLACES = {
    "BERLIN": ("52.520008", "13.404954"),
    "MUNICH": ("48.137154", "11.576124"),
    "PARIS": ("48.856613", "2.352222"),
}
PAIRS = 12
SPACING = 12 * 60


async def _perform(lab: Lab) -> Found:
    return await _clone(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _clone(lab, Watch([each for each in DETECTORS if each.code != CODE]))


async def _clone(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        await _sites(cpo)
        cards = [f"CARD{number}" for number in range(2 * PAIRS)]
        for number, card in enumerate(cards):
            await cpo.token(card)
            if number < PAIRS:
                await _at_once(cpo, lab, card, number * SPACING)
            else:
                await _too_soon(cpo, lab, card, number * SPACING)
        honest = await _honest(cpo, 2 * PAIRS * SPACING)
        flagged = await _flagged(cpo)
        sessions = await cpo.transactions()
    wrong = [one for one in sessions if one.id in flagged and one.id in honest]
    missed = [one for one in sessions if one.id not in flagged and one.id not in honest]
    held = sum(one.billing.value == "quarantined" for one in sessions)
    if missed or wrong:
        billed = sum(one.billing.value == "billed" for one in missed)
        text = (
            f"{len(missed)} of {4 * PAIRS} sessions of cards and their copies are not noted, {billed} are billed; "
            f"{len(wrong)} honest ones are noted"
        )
        return Found(Outcome.MISSED, text)
    text = (
        f"{CODE} names both sessions of {PAIRS} pairs at once and {PAIRS} too soon after each other, 504 km apart; "
        f"{held} of the {4 * PAIRS} wait for a decision unbilled; none of {len(honest)} honest sessions is noted"
    )
    share = Figure("sessions of copied cards noted", 100.0, "%")
    return Found(Outcome.DETECTED, text, seconds=60.0, records=1, figures=(share,))


async def _sites(cpo: Clockwork) -> None:
    for name, (latitude, longitude) in PLACES.items():
        site = Site(
            id=name,
            name=name,
            address="Hauptstr. 1",
            city=name,
            country="DEU",
            time_zone="Europe/Berlin",
            latitude=latitude,
            longitude=longitude,
        )
        await put_site(cpo.world, site)
    for number in range(4):
        await _line(cpo, "BERLIN", number)
        await _line(cpo, "MUNICH", number)


async def _line(cpo: Clockwork, place: str, number: int = 0) -> Line:
    return await cpo.enrol(Station(id=f"{place}{number}", site=place, evses=(EvseEnrolment(id=1),)))


async def _at_once(cpo: Clockwork, lab: Lab, card: str, minutes: float) -> None:
    """Charge as the owner in Berlin, and meanwhile as the copy in Munich."""
    owner, copy = await _line(cpo, "BERLIN"), await _line(cpo, "MUNICH")
    later = lab.dice.number(10, 40)
    one = await owner.start16(card, 10_000 * round(minutes), minutes)
    two = await copy.start16(card, 10_000 * round(minutes), minutes + later)
    await owner.meter16(one, 10_000 * round(minutes) + 4_000, minutes + later + 10)
    cpo.move_to(minutes + later + 11)
    await cpo.round()
    await owner.stop16(one, 10_000 * round(minutes) + 6_000, minutes + later + 20)
    await copy.stop16(two, 10_000 * round(minutes) + 5_000, minutes + later + 30)
    await cpo.round()


async def _too_soon(cpo: Clockwork, lab: Lab, card: str, minutes: float) -> None:
    """Charge as the owner in Berlin, restart the CSMS, and soon after that as the copy in Munich."""
    owner, copy = await _line(cpo, "BERLIN", 1), await _line(cpo, "MUNICH", 1)
    gap = lab.dice.number(5, 120)
    register = 10_000 * round(minutes)
    await owner.stop16(await owner.start16(card, register, minutes), register + 5_000, minutes + 60)
    await cpo.round()
    await cpo.restart()
    two = await copy.start16(card, register, minutes + 60 + gap)
    cpo.move_to(minutes + 61 + gap)
    await cpo.round()
    await copy.stop16(two, register + 5_000, minutes + 90 + gap)
    await cpo.round()


async def _honest(cpo: Clockwork, minutes: float) -> set[str]:
    """Go from Berlin to Munich by car, and charge two cars at one site; returns the sessions."""
    before = {one.id for one in await cpo.transactions()}
    await cpo.token("DRIVER")
    await cpo.token("FAMILY")
    here, there = await _line(cpo, "BERLIN", 2), await _line(cpo, "MUNICH", 2)
    await here.stop16(await here.start16("DRIVER", 0, minutes), 9_000, minutes + 30)
    await there.stop16(await there.start16("DRIVER", 0, minutes + 30 + 270), 9_000, minutes + 330)
    one_car, other_car = await _line(cpo, "BERLIN", 2), await _line(cpo, "BERLIN", 3)
    one = await one_car.start16("FAMILY", 9_000, minutes + 340)
    two = await other_car.start16("FAMILY", 0, minutes + 350)
    await one_car.meter16(one, 12_000, minutes + 370)
    cpo.move_to(minutes + 371)
    await cpo.round()
    await one_car.stop16(one, 14_000, minutes + 380)
    await other_car.stop16(two, 9_000, minutes + 390)
    await cpo.round()
    return {one.id for one in await cpo.transactions()} - before


async def _flagged(cpo: Clockwork) -> set[str]:
    """Return the sessions that a note or an alarm names."""
    noted = {one.id for one in await cpo.transactions() if _notes(one)}
    return noted | {str(alarm.transaction) for alarm in await cpo.alarms() if alarm.code == CODE}


def _notes(transaction: Transaction) -> bool:
    return any(note.code == CODE for note in (*transaction.alarms, *transaction.findings))


ATTACK = Attack(
    line="T44",
    title="a card's copy charges while the card does, and far away soon after it",
    steps=(
        f"{PAIRS} times: charge with a card in Berlin, and with its copy in Munich meanwhile",
        f"{PAIRS} times: charge in Berlin, restart the CSMS, and charge with the copy in Munich within two hours",
        "charge as a driver who goes there by car, and as a household with two cars at one site",
        "see whether both sessions of each pair are noted, and the honest ones are not",
    ),
    defence=f"the detector {CODE} holds the sessions of each card against each other, by the places of their sites",
    without="the detector is left out of the watch",
    residual="a copy that charges near its owner and at other times looks like its owner; stations without a site are "
    "noted without an alarm; of two sessions that had ended unseen the bill is not held back",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
