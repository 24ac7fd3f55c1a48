"""T51: a meter's signature is taken off a stop, or random bytes are put in its place, and the register lowered."""

import json
from collections.abc import Callable

from wattseal.app.settings_money import Billing
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.dice import Dice
from wattseal.lab.lab import Lab
from wattseal.lab.means.signing_site import METER_PIN, SigningSite, Told, signing_site
from wattseal.model.station import NO_PIN
from wattseal.model.verdict import EvidencePin

ROUNDS = 2
ENERGY_WH, LOWERED_WH = (10_000, 40_000), (100, 5_000)
Forge = Callable[[Dice, bytes], bytes | None]


def _signed_with(text: str) -> Forge:
    return lambda _dice, payload: b"OCMF|" + payload + b"|" + text.encode()


def _noise(dice: Dice, payload: bytes) -> bytes:
    noise = "".join(f"{dice.number(0, 255):02x}" for _ in range(70))
    return b"OCMF|" + payload + b"|" + json.dumps({"SD": noise}).encode()


def _der(dice: Dice, payload: bytes) -> bytes:
    """Put in two random numbers in the very encoding of a signature."""
    numbers = ["".join(f"{dice.number(1, 127):02x}" for _ in range(32)) for _ in range(2)]
    der = f"3044{''.join(f'0220{each}' for each in numbers)}"
    return b"OCMF|" + payload + b"|" + json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": der}).encode()


FORGERIES: dict[str, Forge] = {
    "no record at all": lambda _dice, _payload: None,
    "an empty signature section": _signed_with("{}"),
    "an empty signature": _signed_with('{"SD":""}'),
    "an algorithm named none": _signed_with('{"SA":"none","SD":""}'),
    "a record cut after its payload": lambda _dice, payload: b"OCMF|" + payload,
    "a payload alone": lambda _dice, payload: payload,
    "random bytes": _noise,
    "random numbers in DER": _der,
}


async def _perform(lab: Lab) -> Found:
    return await _strip(lab, METER_PIN)


async def _control(lab: Lab) -> Found:
    return await _strip(lab, NO_PIN)


async def _strip(lab: Lab, pin: EvidencePin) -> Found:
    async with lab.clockwork(billing=Billing(wait_s=0)) as cpo:
        site = await signing_site(cpo, "ST1", pin)
        await _honest(lab, site)
        told: dict[str, str] = {}
        billed, tried = [], 0
        for _ in range(ROUNDS):
            for name, forge in FORGERIES.items():
                one = await _forged(lab, site, forge)
                tried += 1
                told[name] = f"{one.transaction.billing.value} ({one.codes})"
                if one.bill is not None or "evidence_below_pin" not in one.codes:
                    billed.append(name)
        await _honest(lab, site)
    if billed:
        return Found(Outcome.MISSED, f"billed at the lowered register: {', '.join(dict.fromkeys(billed))}")
    seen = f"{tried} sessions quarantined, none billed, e.g. random numbers in DER: {told['random numbers in DER']}"
    return Found(Outcome.PREVENTED, seen, records=1, figures=(Figure("forged sessions", tried, "sessions"),))


async def _honest(lab: Lab, site: SigningSite) -> None:
    """Charge with the meter's own signature: that must be billed, before and after."""
    energy_wh = lab.dice.number(*ENERGY_WH)
    one = await site.charge(energy_wh)
    if one.bill is None or one.bill.energy_wh != energy_wh:
        raise LabError(f"an honest session is not billed: {one.codes}", subject=one.transaction.id)


async def _forged(lab: Lab, site: SigningSite, forge: Forge) -> Told:
    energy_wh, told_wh = lab.dice.number(*ENERGY_WH), lab.dice.number(*LOWERED_WH)
    true, lowered = (f'"RV":{site.register_wh + wh}'.encode() for wh in (energy_wh, told_wh))
    return await site.charge(
        energy_wh,
        told_wh=told_wh,
        spoil=lambda record: forge(lab.dice, record.split(b"|")[1].replace(true, lowered)),
    )


ATTACK = Attack(
    line="T51",
    title="a meter's signature is stripped or replaced, and the register lowered",
    steps=(
        "a station whose meter signs is enrolled with its key and the pin G2 (meter); an honest session is billed",
        f"tell {len(FORGERIES) * ROUNDS} sessions with a lower register, in text and record alike",
        f"take the signature off or put something in its place, in {len(FORGERIES)} ways",
        "look for a bill at the lowered register",
    ),
    defence="the evidence pin: what cannot reach the grade the station was enrolled with is kept and not billed",
    without="the station is enrolled without a pin",
    residual="a station enrolled without a pin, as all are whose meters do not sign, is believed as it is heard (G1)",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
