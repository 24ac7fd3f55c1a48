"""T49: a car shows a contract certificate that is revoked, out of date, of a wrong root, or that nobody vouches for."""

from collections.abc import Callable
from dataclasses import dataclass

from wattseal.crypto.certificates import read_certificate
from wattseal.flow.drivers import contracts
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import AT, Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.means.contracts import DAY, Holder, Responder
from wattseal.lab.null import swapped
from wattseal.rules.contracts import ChainStatus
from wattseal.wire.ocpp.version import Version

EMAID, URL = "DE-8AA-CA1B2C3D4", "http://responder"


@dataclass(slots=True)
class _Pki:
    root: Holder
    stranger: Holder
    responder: Responder

    def contract(self, issuer: Holder | None = None, ends_in_days: int = 30) -> Holder:
        made = (issuer or self.root).contract(EMAID, URL, AT - 60 * DAY, AT + ends_in_days * DAY)
        self.responder.issued[made.certificate.serial_number] = made
        return made


def _revoked(pki: _Pki) -> Holder:
    made = pki.contract()
    pki.responder.revoked.add(made.certificate.serial_number)
    return made


def _unreachable(pki: _Pki) -> Holder:
    pki.responder.reachable = False
    return pki.contract()


def _vouched_by_a_stranger(pki: _Pki) -> Holder:
    pki.responder.signer = pki.stranger
    return pki.contract()


def _vouched_long_ago(pki: _Pki) -> Holder:
    pki.responder.at = AT - 10 * DAY
    return pki.contract()


SHOWN: dict[str, Callable[[_Pki], Holder]] = {
    "revoked": _revoked,
    "out of date": lambda pki: pki.contract(ends_in_days=-1),
    "of a root nobody trusts": lambda pki: pki.contract(pki.stranger),
    "its responder does not answer": _unreachable,
    "vouched for by a stranger": _vouched_by_a_stranger,
    "vouched for ten days ago": _vouched_long_ago,
}


async def _perform(lab: Lab) -> Found:
    return await _show(lab)


async def _control(lab: Lab) -> Found:
    async def judge(*_: object) -> ChainStatus:
        return ChainStatus.ACCEPTED

    with swapped(contracts, "judge", judge):
        return await _show(lab)


async def _show(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        station = await cpo.enrol("ST1")
        station.version = Version.V201
        await cpo.token(EMAID, kind="eMAID")
        if await _asked(cpo, station, lambda pki: pki.contract()) != ("Accepted", "Accepted"):
            raise LabError("a good contract is refused: nothing is shown by refusing bad ones", subject=EMAID)
        told = {why: await _asked(cpo, station, make) for why, make in SHOWN.items()}
    accepted = [why for why, (status, _) in told.items() if status == "Accepted"]
    if accepted:
        return Found(Outcome.MISSED, f"the car may charge on a contract that is {', '.join(accepted)}")
    said = "; ".join(f"{why}: {status}, {chain}" for why, (status, chain) in told.items())
    return Found(Outcome.PREVENTED, f"Authorize: {said}; a good one: Accepted")


async def _asked(cpo: Clockwork, station: Line, make: Callable[[_Pki], Holder]) -> tuple[str, str | None]:
    root, stranger = Holder.root("Mobility root", AT), Holder.root("Stranger", AT)
    pki = _Pki(root, stranger, Responder(root, root, AT))
    shown = make(pki)
    cpo.world.responders = pki.responder
    cpo.world.contract_roots = (read_certificate(root.pem.encode()),)
    told = {"idToken": {"idToken": EMAID, "type": "eMAID"}, "certificate": shown.pem}
    answer = await station.call("Authorize", told)
    return answer["idTokenInfo"]["status"], answer.get("certificateStatus")


ATTACK = Attack(
    line="T49",
    title="a car shows contract certificates that are not good",
    steps=(
        "enrol the contract's token, so that only its certificate stands between the car and the charge",
        "show a contract certificate that is revoked, out of date, or of a root nobody trusts",
        "show one whose responder is cut off, answers under a stranger's key, or an answer that is ten days old",
    ),
    defence="every certificate of the chain must be in force up to a trusted root and Good by a signed answer in force",
    without="whatever the car shows is taken for good",
    residual="a contract revoked within the validity of an answer already given is accepted until that is over",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
