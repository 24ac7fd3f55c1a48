"""Offline bundle checks per CPU-second, every bundle a different charge.

    python -m bench --only verifier

Keys, registry entries, the tariff and the checkpoint are the same for all, as they are for the sessions a provider
checks after one night; their signatures are verified once. Records are not: each is verified in every check.
"""

import itertools
from collections.abc import Callable

from bench.measure import Row, at_least, seconds_each
from msgspec import structs
from tests.support.charges import START_MS, charge, meter, pen, seeded, signing_key
from tests.support.worlds import CSMS_KEY, EDGE_KEY, MemoryLog, authorisation, entries, tariff_record, trust

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.crypto.keys import SigningKey
from wattseal.seal.chain import MAX_LINKS
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.writer import SubjectKeys

GROUP = "Offline bundle check"
WANTED_PER_S = 2000
READINGS = 8


def signed_throughout(key: SigningKey, seed: str, start_wh: int, refs: tuple[bytes, ...]) -> list[Item]:
    """Return a charge of ten records with a signature on each."""
    p = pen(key=key, seed=seed)
    subject = SubjectKeys.new(seeded(seed))
    p.write(Kind.BOOT, START_MS - 1000)
    for n in range(READINGS + 2):
        p.head = structs.replace(p.head, links=MAX_LINKS)
        kind = {0: Kind.STARTED, READINGS + 1: Kind.ENDED}.get(n, Kind.READING)
        groups = {Group.METER: meter(str(start_wh + 500 * n), sealed=False)}
        p.write(kind, START_MS + n * 30_000, subject, groups=groups, refs=refs if n == 0 else ())
    return p.items[1:]


def bundles(count: int, key: SigningKey, *, every_record_signed: bool) -> list[bytes]:
    """Return bundles of different charges, ten records each, in one log under one checkpoint."""
    made = []
    log = MemoryLog()
    for n in range(count):
        request, decision = authorisation(f"charge {n}")
        if every_record_signed:
            items, others = signed_throughout(key, f"charge {n}", 1000 * n, ()), []
        else:
            p = pen(key=key, seed=f"pen {n}")
            refs = (decision.hash,)
            items = charge(p, sealed=False, readings=READINGS, start_wh=1000 * n, seed=f"charge {n}", refs=refs)
            others = [request, decision, tariff_record()]
        log.add(items)
        made.append((items, others))
    checkpoint = log.checkpoint()
    return [
        build_bundle(
            items,
            proofs=[log.proof(i, checkpoint) for i in items if i.signature is not None],
            entries=entries(),
            others=others,
            openings=openings_of(items, (Group.METER, Group.OPS)),
        ).encode()
        for items, others in made
    ]


def _in_turn(made: list[bytes]) -> Callable[[], object]:
    trusted, turn = trust(), itertools.cycle(made)
    assert all(check_bundle(data, trusted).verdict is Outcome.VALID for data in made)
    return lambda: check_bundle(next(turn), trusted)


def measure(*, quick: bool = False) -> list[Row]:
    """Return checks per CPU-second, and the share that signatures alone take."""
    count = 4 if quick else 40
    message = bytes(300)
    yardsticks = {
        name: signing_key(name, k.public.algorithm) for name, k in (("P-256", EDGE_KEY), ("Ed25519", CSMS_KEY))
    }
    signatures = {name: key.sign(message) for name, key in yardsticks.items()}
    every = {
        f"10 records, 2 signed ({name}), with request, decision, tariff": (name, key, False, 4)
        for name, key in (("P-256", EDGE_KEY), ("Ed25519", CSMS_KEY))
    } | {
        f"10 records, all signed ({name})": (name, key, True, 10)
        for name, key in (("P-256", EDGE_KEY), ("Ed25519", CSMS_KEY))
    }
    cases = {
        name: _in_turn(bundles(count, key, every_record_signed=signed)) for name, (_, key, signed, _) in every.items()
    }
    verifications: dict[str, Callable[[], object]] = {
        f"verify {name}": lambda key=key, name=name: key.public.verify(message, signatures[name])  # type: ignore[misc] # default arguments bind the loop's values
        for name, key in yardsticks.items()
    }
    each = seconds_each(cases | verifications, rounds=3 if quick else 11, batch_s=0.1)
    rows = []
    for name, (algorithm, _, _, verified) in every.items():
        per_s = 1 / each[name]
        share = verified * each[f"verify {algorithm}"] / each[name]
        target, met = at_least(per_s / WANTED_PER_S, 1)
        note = (
            f"signatures alone take {share:.0%} and would allow {1 / (verified * each[f'verify {algorithm}']):,.0f}/s"
        )
        rows.append(
            Row(GROUP, name, per_s, "bundles/CPU-s", per_s / WANTED_PER_S, f"{WANTED_PER_S}/s", target, met, note)
        )
    return rows
