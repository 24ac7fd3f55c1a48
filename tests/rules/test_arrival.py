"""What a CSMS makes of records that arrive over a link somebody may sit on."""

import dataclasses

import pytest
from tests.support.charges import LOG, ORIGIN, charge, pen
from tests.support.worlds import EDGE_KEY, entries, trust

from wattseal.model.verdict import Verdict
from wattseal.rules.arrival import check_signer
from wattseal.seal.item import Group, Item


def arrived(item: Item) -> tuple[Verdict, str]:
    judged = check_signer(item, ORIGIN, trust().registry(entries()), LOG)
    return judged.verdict, judged.notes[0].code if judged.notes else ""


def altered(item: Item) -> Item:
    box = item.boxes[Group.METER]
    changed = [bytes([box[0][0] ^ 1]) + box[0][1:], box[1]] if isinstance(box, list) else bytes([box[0] ^ 1]) + box[1:]
    return dataclasses.replace(item, boxes={**item.boxes, Group.METER: changed})


def test_honest_records_and_links_are_accepted() -> None:
    items = charge(pen(key=EDGE_KEY))
    assert [arrived(i)[0] for i in items] == [Verdict.VALID, *[Verdict.UNSIGNED] * 3, Verdict.VALID]


@pytest.mark.parametrize("index", [0, 1, -1])
def test_a_box_altered_or_dropped_on_the_way_is_refused_so_that_it_is_sent_again(index: int) -> None:
    item = charge(pen(key=EDGE_KEY))[index]
    assert arrived(altered(item)) == (Verdict.INVALID, "box_altered_in_transit")
    assert arrived(item.without_boxes()) == (Verdict.INVALID, "box_missing")


def test_a_plain_box_is_held_to_its_commitment() -> None:
    item = charge(pen(key=EDGE_KEY), sealed=False)[0]
    zero, secret, content = item.boxes[Group.METER]
    lower = dataclasses.replace(
        item, boxes={**item.boxes, Group.METER: [zero, secret, content.replace(b"\x03", b"\x02")]}
    )
    assert lower != item
    assert arrived(item)[0] is Verdict.VALID
    assert arrived(lower) == (Verdict.INVALID, "box_altered_in_transit")
