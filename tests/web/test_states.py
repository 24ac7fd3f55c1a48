"""What is shown of a session that runs."""

from decimal import Decimal

from msgspec.structs import replace

from wattseal.flow.live import Live
from wattseal.model.transaction import Transaction
from wattseal.serve.web.states import mean_power_w

STARTED = Transaction(
    id="ab" * 16, station_id="S1", recorded_ms=0, transaction_id="1", evse_id=1, started_ms=1000, start_wh=Decimal(500)
)


def live(transaction: Transaction, register_wh: int | None, read_ms: int | None) -> Live:
    return Live(transaction, b"", highest_wh=None if register_wh is None else Decimal(register_wh), read_ms=read_ms)


def test_a_station_that_tells_no_power_has_that_of_its_register() -> None:
    assert mean_power_w(live(STARTED, 6000, 1_801_000)) == 11_000


def test_where_a_register_or_a_time_is_missing_no_power_is_made_up() -> None:
    assert mean_power_w(live(STARTED, None, 2000)) is None
    assert mean_power_w(live(STARTED, 600, None)) is None
    assert mean_power_w(live(STARTED, 600, 1000)) is None
    assert mean_power_w(live(replace(STARTED, start_wh=None), 600, 2000)) is None
    assert mean_power_w(live(replace(STARTED, started_ms=None), 600, 2000)) is None
