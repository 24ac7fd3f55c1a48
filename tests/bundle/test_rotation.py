"""Key rotation: the old key names its successor and where its chains stood; nothing it signs after that counts."""

import dataclasses
from pathlib import Path

from tests.emsp.emsp_world import CONTRACT, open_world
from tests.support.charges import EMSP, LOG, ORIGIN, START_MS, Pen, charge, pen, signing_key
from tests.support.worlds import EDGE_KEY, MemoryLog, enrolled, entries, entry, sealed_charge, trust

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.crypto.keys import SigningKey
from wattseal.rules.arrival import check_signer
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Entry, Handover, Role, hand_over
from wattseal.seal.signed import Statement

NEW_KEY = signing_key("edge, second key")


def successor(*last: Item, signer: SigningKey = EDGE_KEY, spki: bytes = NEW_KEY.public.spki) -> Statement:
    """Return the new key's entry; `last` are the last records of the old key, one for each chain it wrote."""
    heads = tuple((i.payload.stream, i.payload.epoch, i.payload.seq, i.hash) for i in last)
    handover = hand_over(Handover(ORIGIN, spki, heads), signer)
    made: Entry = entry(Role.EDGE, "SITE", NEW_KEY.public.spki, ORIGIN, custodian="SITE", handover=handover)
    return enrolled(dataclasses.replace(made, version=2))


def judged(items: list[Item], others: list[Item], *more: Statement) -> Report:
    log = MemoryLog([])
    log.add(items)
    signed = log.checkpoint()
    secrets: dict[int, bytes] = {g: s for g in (Group.METER, Group.OPS) if (s := unwrap(items[0], g, EMSP)) is not None}
    bundle = build_bundle(
        items,
        proofs=[log.proof(i, signed) for i in items if i.signature is not None],
        entries=(*entries(), *more),
        others=others,
        openings=openings_of(items, secrets, secrets),
    )
    return check_bundle(bundle.encode(), trust())


def authorised() -> tuple[list[Item], bytes]:
    others = [o for o in sealed_charge().others if o.payload.kind != Kind.TARIFF]
    return others, next(o.hash for o in others if o.payload.kind == Kind.DECISION)


def test_what_the_old_key_signed_before_the_handover_stays_good() -> None:
    others, decision = authorised()
    items = charge(pen(key=EDGE_KEY), refs=(decision,))
    assert judged(items, others, successor(items[-1], others[0])).verdict is Outcome.VALID


def test_the_new_key_goes_on_in_a_new_epoch_of_the_same_chain() -> None:
    others, decision = authorised()
    old = pen(key=EDGE_KEY)
    last = charge(old, seed="before")[-1]
    new = Pen(dataclasses.replace(old.writer, key=NEW_KEY), head=old.head)
    new.write(Kind.BOOT, START_MS + 3_600_000, new_epoch=True)
    items = charge(new, at_ms=START_MS + 3_700_000, refs=(decision,))
    assert items[0].payload.epoch == 1
    assert items[0].verify(NEW_KEY.public, LOG)
    assert judged(items, others, successor(last, others[0])).verdict is Outcome.VALID


def test_the_old_key_signs_nothing_more_once_it_has_handed_over() -> None:
    others, decision = authorised()
    p = pen(key=EDGE_KEY)
    before = charge(p, seed="before")[-1]
    items = charge(p, at_ms=START_MS + 3_600_000, refs=(decision,))
    report = judged(items, others, successor(before, others[0]))
    assert report.verdict is Outcome.INVALID
    assert report.failure is not None
    assert (report.failure.number, report.failure.reason) == (2, "signed_after_handover")
    negative_control = judged(items, others)
    assert negative_control.verdict is Outcome.VALID


def test_only_the_old_key_hands_over_and_only_to_the_key_it_names() -> None:
    others, decision = authorised()
    items = charge(pen(key=EDGE_KEY), refs=(decision,))
    by_stranger = judged(items, others, successor(items[-1], others[0], signer=signing_key("nobody")))
    to_another = judged(items, others, successor(items[-1], others[0], spki=signing_key("another").public.spki))
    assert by_stranger.failure is not None
    assert by_stranger.failure.reason == "handover_not_signed_by_the_old_key"
    assert to_another.failure is not None
    assert to_another.failure.reason == "handover_names_another_key"


def test_a_chain_the_handover_does_not_list_was_never_the_old_keys() -> None:
    others, decision = authorised()
    items = charge(pen(key=EDGE_KEY), refs=(decision,))
    report = judged(items, others, successor(items[-1]))
    assert report.failure is not None
    assert report.failure.reason == "signed_after_handover"


async def test_cpo_and_emsp_take_nothing_in_that_the_old_key_signs_after_its_handover(tmp_path: Path) -> None:
    others, decision = authorised()
    p = pen(key=EDGE_KEY)
    before = charge(p, seed="before")[-1]
    later = charge(p, at_ms=START_MS + 3_600_000, refs=(decision,))[0]
    rotated = trust(entries=(*entries(), successor(before, others[0])))
    for trusted, refused in ((rotated, "signed_after_handover"), (trust(entries=entries()), None)):
        registry = trusted.registry()
        arrived = check_signer(later, ORIGIN, registry, LOG)
        assert [note.detail for note in arrived.notes] == ([] if refused is None else [refused])
        assert check_signer(before, ORIGIN, registry, LOG).accepted
        async with open_world(tmp_path) as msp:
            msp.emsp.desk.trust = trusted
            assert msp.emsp.desk.distrusts(later, CONTRACT) == refused
            assert msp.emsp.desk.distrusts(before, CONTRACT) is None
