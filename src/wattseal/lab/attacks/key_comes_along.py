"""T52: an operator signs more energy with a key of its own and brings that key along in the bundle."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from wattseal.bundle.files import check_file
from wattseal.bundle.report import Outcome as Judged
from wattseal.bundle.report import Report
from wattseal.bundle.trust import Root, Trust
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN, STATION, Evidence, Paper, fresh, told
from wattseal.lab.lab import Lab
from wattseal.seal.item import protected_header
from wattseal.seal.registry import Role
from wattseal.seal.signed import Statement

OWN = "the operator's registry"
ROUNDS = 12
TRUE_WH, FORGED_WH = (1_000, 5_000), (20_000, 60_000)


class _Insider:
    """The operator: keys of its own beside those it has, and a registry that only it believes in."""

    def __init__(self, paper: Paper, root: SigningKey) -> None:
        self.paper = paper
        self.root = root
        self.meter = fresh(Algorithm.ESP256)
        self._mine = paper.entry(
            Role.METER, "METER", self.meter.public.spki, STATION, custodian="SITE", meter_id="MTR1"
        )

    def key_alone(self) -> Sequence[Statement]:
        """Leave the entries as they are: the signature is simply another's."""
        return self.paper.entries

    def own_registry(self) -> Sequence[Statement]:
        """Enrol its meter in its own registry, beside the true entries."""
        return (*self.paper.entries, self.paper.enrolled(self._mine, root=self.root, registry=OWN))

    def all_new(self) -> Sequence[Statement]:
        """Bring every entry signed by its own registry."""
        entries = (self.paper.entry(Role.CSMS, "CPO", self.paper.keys.csms.public.spki, "CPO/*"), self._mine)
        return tuple(self.paper.enrolled(each, root=self.root, registry=OWN) for each in entries)

    def registry_named(self) -> Sequence[Statement]:
        """Write the true registry's key id over its own under its entry."""
        made = self.paper.enrolled(self._mine, root=self.root)
        root = self.paper.keys.root.public
        named = replace(made.signature, protected=protected_header(root), kid=root.kid)
        return (*self.paper.entries, replace(made, signature=named))

    def without_consent(self) -> Sequence[Statement]:
        """Have the true registry enrol it on the operator's own consent, as if that could be talked into it."""
        return (*self.paper.entries, self.paper.enrolled(self._mine, consent=self.paper.keys.csms))


async def _perform(lab: Lab) -> Found:
    return _bring(lab, fresh(), believed=False)


async def _control(lab: Lab) -> Found:
    return _bring(lab, fresh(), believed=True)


def _bring(lab: Lab, own_root: SigningKey, *, believed: bool) -> Found:
    paper = Paper()
    insider = _Insider(paper, own_root)
    trust = paper.trust
    if believed:
        trust = replace(trust, registries=(*trust.registries, Root(OWN, own_root.public, "CPO")))
    ways = (
        insider.key_alone, insider.own_registry, insider.all_new, insider.registry_named, insider.without_consent,
    )  # fmt: skip
    refused: dict[str, str] = {}
    passed: list[str] = []
    for _ in range(ROUNDS):
        for way in ways:
            report = _bundled(lab, insider, way, trust)
            name = way.__name__.replace("_", " ")
            if paper.accepted(report):
                passed.append(f"{name}: {told(report)}")
            refused[name] = told(report)
    passed += _as_a_file(lab, insider, believed=believed)
    if passed:
        return Found(Outcome.MISSED, passed[0])
    tried = ROUNDS * (len(ways) + 1)
    text = "; ".join(f"{name}: {said}" for name, said in refused.items())
    return Found(Outcome.PREVENTED, text, records=1, figures=(Figure("forged proofs", tried, "bundles and files"),))


def _evidence(lab: Lab, insider: _Insider) -> tuple[int, int, Evidence]:
    start, true_wh, more_wh = (lab.dice.number(*each) for each in ((0, 10**6), TRUE_WH, FORGED_WH))
    end_ms = AT_MS + LASTS_MIN * 60_000
    readings = [("B", Decimal(start), AT_MS), ("E", Decimal(start + true_wh + more_wh), end_ms)]
    record = insider.paper.record(readings, key=insider.meter)
    return start, start + true_wh + more_wh, (("OCMF", record),)


def _bundled(lab: Lab, insider: _Insider, way: Callable[[], Sequence[Statement]], trust: Trust) -> Report:
    """Bundle an inflated session, and return what a verifier says of it."""
    paper = insider.paper
    start, end, evidence = _evidence(lab, insider)
    granted = paper.authorised()
    session = paper.session(start, end, authorised=granted, evidence=evidence)
    cdr = paper.summary(session, granted.tariff, granted.terms)
    others = [granted.request, granted.decision, granted.tariff]
    return paper.judged(paper.bundle(session, others, cdr, way()), trust)


def _as_a_file(lab: Lab, insider: _Insider, *, believed: bool) -> list[str]:
    """Hand out transparency files whose key is its own, to somebody who has the enrolled meter's key."""
    enrolled = insider.meter.public.spki if believed else insider.paper.keys.meter.public.spki
    passed = []
    for _ in range(ROUNDS):
        start, end, ((_, record),) = _evidence(lab, insider)
        read = check_file(_transparency(record, insider.meter.public.spki), None, enrolled)
        if read.report.verdict is Judged.VALID and read.report.energy_wh == end - start:
            passed.append("a transparency file with its key: VALID")
    return passed


def _transparency(record: bytes, key: bytes) -> bytes:
    return (
        b'<?xml version="1.0"?><values><value transactionId="1"><signedData format="OCMF" encoding="hex">'
        b'%b</signedData><publicKey encoding="hex">%b</publicKey></value></values>'
        % (record.hex().encode(), key.hex().encode())
    )


ATTACK = Attack(
    line="T52",
    title="more energy is signed with a key that comes along in the bundle",
    steps=(
        "raise the register at the end, and sign a meter's record of it with a key of one's own",
        "bring that key along: alone, in a registry of one's own, under the true registry's name, without consent",
        "give bundles, and transparency files that hold the key, to a verifier with the true trust file",
    ),
    defence="keys count where the verifier's own trust file vouches for them, and meters only with another's consent",
    without="the trust file also names the operator's own registry",
    residual="a transparency file checked with no key at hand only agrees with itself: it has no grade, and says so",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
