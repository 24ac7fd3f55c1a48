"""What an operator may choose, as the core reads it."""

from dataclasses import dataclass

from wattseal.flow.alerts import NO_ALERTS, AlertPolicy
from wattseal.model.payment import PaymentPolicy
from wattseal.rules.authorize import OnePer
from wattseal.rules.billing_policy import DEFAULT_BILLING, BillingPolicy
from wattseal.rules.charging_policy import DEFAULT_CHARGING, ChargingPolicy
from wattseal.rules.retention import DEFAULT_RETENTION, RetentionPolicy

NO_PAYMENTS = PaymentPolicy()


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose.

    `public_url` is where this CPO's API is reached by others, for the links in CDRs. `master_group` is the canonical
    form of the group whose tokens may end any transaction and start none. `interrupted_after_s` is how long after a
    restart a station may be silent about what it was charging. With `start_button` charges begun by a button are the
    CPO's own to bill; `hearsay_cap_wh` is what a bare card number may draw of those. `list_parties` are the eMSPs who
    allow their drivers' tokens on stations' local lists; a list that was not known to be fresh for `list_stale_s` is an
    alarm. A template or firmware goes to `alone_stations` at most without a second person, single commands that may
    change power to `alone_power_stations` a day, those about one charge to `alone_charge_stations` an hour. Events
    of a severity of at most `alarm_severity` raise alarms; `vendors` are those whose DataTransfer is kept; with
    `inventory` a station that boots as another model or firmware is asked for its variables.
    """

    boot_interval_s: int = 300
    mmd_s: int = 86_400
    grant_s: int = 600
    public_url: str | None = None
    master_group: str | None = None
    one_per: OnePer = OnePer.NONE
    start_button: bool = False
    hearsay_cap_wh: int | None = None
    list_parties: frozenset[str] = frozenset()
    list_stale_s: int = 86_400
    alone_stations: int = 10
    alone_power_stations: int = 20
    alone_charge_stations: int = 60
    interrupted_after_s: int = 3600
    charging: ChargingPolicy = DEFAULT_CHARGING
    alarm_severity: int = 3
    vendors: frozenset[str] = frozenset()
    inventory: bool = False
    billing: BillingPolicy = DEFAULT_BILLING
    payments: PaymentPolicy = NO_PAYMENTS
    alerts: AlertPolicy = NO_ALERTS
    retention: RetentionPolicy = DEFAULT_RETENTION

    def bundle_url(self, transaction_id: str) -> str | None:
        """Return where a transaction's bundle is, for those who may read it."""
        return None if self.public_url is None else f"{self.public_url}/api/v1/transactions/{transaction_id}/bundle"

    def receipts_url(self) -> str | None:
        """Return what stands before a receipt's id where it is shown to whoever holds it."""
        return None if self.public_url is None else f"{self.public_url}/r/"
