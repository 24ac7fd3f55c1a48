"""A settlement inside a bundle counts only from the party that decided, and only for what the records give."""

import dataclasses
from decimal import Decimal

import pytest
from tests.support.charges import START_MS, pen, seeded, signing_key
from tests.support.worlds import EMSP_KEY, enrolled, entries, entry, sealed_charge, trust

from wattseal.bundle.build import openings_of
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.item import Group, Kind
from wattseal.seal.registry import Role
from wattseal.seal.writer import GroupDraft, SubjectKeys

OTHER_KEY = signing_key("another emsp", Algorithm.ED25519)
TRUE = Settlement(SettlementVerdict.ACCEPTED, Decimal(2000), "EUR", Decimal("1.34"), Decimal("1.61"), 4, "edge")


def settled(settlement: Settlement, *, party: str = "MSP", key: SigningKey = EMSP_KEY) -> Report:
    honest = sealed_charge()
    ended = honest.items[-1]
    desk = pen(f"{party}/settlement", key=key, stream=0, seed=party)
    desk.write(Kind.BOOT, START_MS)
    subject = SubjectKeys(ended.payload.subject or b"", seeded("settlement")(32))
    groups = {Group.OPS: GroupDraft(settlement.to_fields())}
    item = desk.write(Kind.SETTLEMENT, START_MS + 10**7, subject, groups=groups, refs=(ended.hash,))
    other = enrolled(entry(Role.EMSP, "MSP2", OTHER_KEY.public.spki, "MSP2/*"))
    bundle = dataclasses.replace(
        honest.bundle,
        others=(*honest.bundle.others, item),
        openings=(*honest.bundle.openings, *openings_of([item], [Group.OPS])),
        entries=(*entries(), other),
    )
    return check_bundle(bundle.encode(), trust())


def test_a_settlement_that_follows_from_the_records_is_valid() -> None:
    assert settled(TRUE).verdict is Outcome.VALID


@pytest.mark.parametrize(
    "changed",
    [
        {"energy_wh": Decimal(1999)},
        {"currency": "USD"},
        {"total_excl_vat": Decimal("1.33")},
        {"total_incl_vat": Decimal("1.60")},
    ],
)
def test_a_settlement_of_other_figures_is_invalid(changed: dict[str, object]) -> None:
    report = settled(dataclasses.replace(TRUE, **changed))  # type: ignore[arg-type] # each value fits its field
    assert report.failure is not None
    assert (report.failure.number, report.failure.reason) == (11, "settlement_differs")


def test_another_providers_settlement_does_not_count_for_this_charge() -> None:
    report = settled(TRUE, party="MSP2", key=OTHER_KEY)
    assert report.failure is not None
    assert (report.failure.number, report.failure.reason) == (11, "settlement_of_another_party")
