"""Two bundles side by side."""

from dataclasses import replace

from tests.support.worlds import sealed_charge

from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.compare import MAX_DIFFERENCES, differences


def test_a_bundle_differs_from_itself_in_nothing() -> None:
    bundle = sealed_charge().bundle
    assert differences(bundle, bundle) == ()


def test_a_record_left_out_is_named_at_its_place() -> None:
    bundle = sealed_charge().bundle
    shorter = replace(bundle, items=(*bundle.items[:2], *bundle.items[3:]))
    (found,) = differences(shorter, bundle)
    assert (found.field, found.theirs, found.ours) == ("record", None, "reading")
    assert found.record.endswith("seq 3")


def test_other_readings_and_another_price_are_told_side_by_side() -> None:
    ours, theirs = sealed_charge().bundle, sealed_charge(start_wh=900).bundle
    found = differences(theirs, ours)
    registers = [(d.theirs, d.ours) for d in found if d.field == "register_wh"]
    assert registers[0] == ("900", "1000")
    summary = CdrSummary.read(ours.cdr)
    dearer = replace(ours, cdr=replace(summary, total_incl_vat=summary.total_incl_vat + 1).to_value())
    (price,) = differences(dearer, ours)
    assert price.field == "cdr total_incl_vat"


def test_no_more_is_told_than_the_bound() -> None:
    ours, theirs = sealed_charge(readings=80).bundle, sealed_charge(readings=80, start_wh=2).bundle
    assert len(differences(theirs, ours)) == MAX_DIFFERENCES
