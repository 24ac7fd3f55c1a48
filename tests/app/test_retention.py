"""What is due goes by the clock, what must be kept stays, and everything proves as before."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.app.test_entities import GMBH
from tests.support.invoicing import PAYER, SlowRenderer, issue_all

from wattseal.app.config import load_settings
from wattseal.app.fsck import run_fsck
from wattseal.app.policy import policy_of
from wattseal.app.settings_retention import MOVED
from wattseal.base.errors import ConfigError
from wattseal.bundle.format import Bundle
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.charges.reproof import prove_again
from wattseal.flow.documents import put, put_token
from wattseal.flow.drivers.reservations import RESERVATION, put_reservation
from wattseal.flow.limits.needs import NEEDS, KeptNeeds
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.invoice_list import file_of, find_invoice
from wattseal.flow.money.invoices import Desk
from wattseal.flow.money.retention import forget
from wattseal.flow.ports import Batch
from wattseal.flow.privacy.keeping import forget_documents
from wattseal.lab.grounds.clockwork import AT, Clockwork, clockwork
from wattseal.model.account import Account, AccountKind
from wattseal.model.reservation import Reservation, ReservationStatus
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules.retention import LEGAL_YEARS, RetentionPolicy, below_law, due_before, kept_from

CARD = IdToken("CARD", "ISO14443")
ENTITY = "[[billing.entities]]\n" + "".join(f'{key} = "{value}"\n' for key, value in GMBH.items())
DAY_MIN = 24 * 60


def settings_of(folder: Path, text: str, **environment: str) -> Any:
    file = folder / "wattseal.toml"
    file.write_text(text)
    return load_settings(file, environment)


def reservation(number: int, cpo: Clockwork, status: ReservationStatus) -> Reservation:
    now_ms = cpo.world.now_ms()
    expires = datetime(2027, 1, 15, 9, tzinfo=UTC)
    return Reservation(
        station_id="ST1",
        id=number,
        status=status,
        id_token=CARD,
        expires_at=expires,
        requested_ms=now_ms,
        changed_ms=now_ms,
        asked_by="test",
    )


async def charged(cpo: Clockwork) -> None:
    """Have a customer charge, with a reservation that is over, one that is not, and what the vehicle needs."""
    world = cpo.world
    account = Account("", AccountKind.CREDIT, "EUR", Decimal(1000))
    opened = await open_account(world, account, "test", payer=PAYER)
    record = TokenRecord(CARD, TokenStatus.ACCEPTED, account=opened.id)
    over = put_reservation(reservation(1, cpo, ReservationStatus.USED))
    open_one = put_reservation(reservation(2, cpo, ReservationStatus.ACCEPTED))
    needs = put(NEEDS, "st1/1", KeptNeeds("ST1", 1, "t", world.now_ms(), {"departure": "soon"}), world.now_ms())
    await world.journal.commit(Batch(world.tenant, puts=(put_token(record, world.now_ms()), over, open_one, needs)))
    line = await cpo.enrol("ST1")
    number = await line.start16("CARD", 1000, 1)
    await line.stop16(number, 9000, 40)
    await cpo.settle()


async def bundled(cpo: Clockwork) -> bytes:
    """Return the session's bundle; its records prove."""
    session = await cpo.newest()
    assert await prove_again(cpo.world, cpo.parts.proofs, session.id) == ()
    made = await assemble(cpo.world, cpo.parts.proofs, session, billing_party=True)
    assert isinstance(made, Bundle)
    return made.encode()


async def kinds(cpo: Clockwork) -> list[str]:
    found = []
    for kind in (RESERVATION, NEEDS):
        found += [document.kind for document in await cpo.world.journal.documents(cpo.world.tenant, kind)]
    return found


async def test_what_is_due_goes_and_what_must_be_kept_stays(tmp_path: Path) -> None:
    told = "[retention]\nreservations_days = 30\nvehicle_needs_days = 90\ninvoices_years = 8\n"
    settings = settings_of(tmp_path, told + ENTITY)
    async with clockwork(tmp_path / "cpo", {"billing": settings.billing, "retention": settings.retention}) as cpo:
        await charged(cpo)
        (made,) = await issue_all(Desk(cpo.world, cpo.parts.proofs, SlowRenderer()))
        bundle = await bundled(cpo)
        assert await forget_documents(cpo.world) == 0
        cpo.move_to(31 * DAY_MIN)
        assert await forget_documents(cpo.world) == 1
        assert await kinds(cpo) == [RESERVATION, NEEDS]
        cpo.move_to(91 * DAY_MIN)
        assert await forget_documents(cpo.world) == 1
        assert await kinds(cpo) == [RESERVATION]
        cpo.move_to(8 * 365 * DAY_MIN)
        assert await forget(cpo.world) == 0
        assert await file_of(cpo.world, made, "pdf") is not None
        cpo.move_to(9 * 366 * DAY_MIN)
        assert await forget(cpo.world) == 1
        assert await file_of(cpo.world, made, "pdf") is None
        issued = await find_invoice(cpo.world, made.number)
        assert issued is not None
        assert (issued.number, issued.kept) == (made.number, False)
        assert await bundled(cpo) == bundle
    assert (await run_fsck(tmp_path / "cpo", trust_file=None)).findings == ()


async def test_without_days_nothing_goes_before_the_person_is_erased(tmp_path: Path) -> None:
    async with clockwork(tmp_path / "cpo", {}) as cpo:
        await charged(cpo)
        cpo.move_to(9 * 366 * DAY_MIN)
        assert await forget_documents(cpo.world) == 0
        assert len(await kinds(cpo)) == 3


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_keys_of_earlier_versions_are_still_read_and_refused_beside_the_new_ones(
    old: str, new: str, tmp_path: Path
) -> None:
    table, key = old.split(".")
    text = f"[{table}]\n{key} = 9\n"
    assert getattr(settings_of(tmp_path, text).retention, new) == 9
    by_environment = load_settings(None, {f"WATTSEAL_{table.upper()}__{key.upper()}": "9"})
    assert getattr(by_environment.retention, new) == 9
    over = settings_of(tmp_path, text, **{f"WATTSEAL_RETENTION__{new.upper()}": "11"})
    assert getattr(over.retention, new) == 11
    with pytest.raises(ConfigError, match=f"retention.{new} now"):
        settings_of(tmp_path, text + f"[retention]\n{new} = 9\n")


def test_invoices_are_not_kept_for_less_than_the_sellers_law_says(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"of DE has invoices kept for 8 years: set retention\.invoices_years"):
        policy_of(settings_of(tmp_path, "[retention]\ninvoices_years = 7\n" + ENTITY))
    assert policy_of(settings_of(tmp_path, "[retention]\ninvoices_years = 7\n")).retention.invoices_years == 7
    assert below_law(RetentionPolicy(invoices_years=9), ("DE", "FR")) == ("FR", LEGAL_YEARS["FR"])
    assert below_law(RetentionPolicy(invoices_years=1), ("XX",)) is None


async def test_where_the_books_close_in_june_what_is_issued_after_it_is_kept_a_year_longer(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "[retention]\ninvoices_years = 8\nbusiness_year_ends = 6\n" + ENTITY)
    async with clockwork(tmp_path / "cpo", {"billing": settings.billing, "retention": settings.retention}) as cpo:
        await charged(cpo)
        cpo.move_to(200 * DAY_MIN)
        (made,) = await issue_all(Desk(cpo.world, cpo.parts.proofs, SlowRenderer()))
        issued = date.fromisoformat(made.on)
        assert issued.month > 6, "the story is of the second half of a year"
        cpo.move_to(minutes_until(date(issued.year + 9, 12, 31)))
        assert await forget(cpo.world) == 0
        cpo.move_to(minutes_until(date(issued.year + 10, 1, 2)))
        assert await forget(cpo.world) == 1


def minutes_until(day: date) -> float:
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - AT) / timedelta(minutes=1)


@pytest.mark.parametrize("month", range(1, 13))
def test_the_day_before_which_all_is_over_is_the_inverse_of_when_its_time_begins(month: int) -> None:
    policy, today = RetentionPolicy(invoices_years=8, business_year_ends=month), date(2040, 5, 17)
    due = due_before(today, policy)
    last = due - timedelta(days=1)
    assert kept_from(last, month) + 8 < today.year
    assert kept_from(due, month) + 8 >= today.year
