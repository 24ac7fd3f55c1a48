"""What an operator has chosen, as the flow needs it."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from wattseal.app.alerts import alert_policy
from wattseal.app.entities import legal_entities
from wattseal.app.payments import payment_policy
from wattseal.app.settings import ChargingLimits, Ramp, Settings
from wattseal.app.settings_money import Billing
from wattseal.app.settings_retention import Retention
from wattseal.base.errors import ConfigError, InputError
from wattseal.crypto.certificates import Certificate, read_bundle
from wattseal.flow.settings import Settings as Policy
from wattseal.model.invoice import LegalEntity
from wattseal.model.token import canonical
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.rules.charging_policy import MAX_FALLBACK_A, ChargingPolicy
from wattseal.rules.hold_policy import GroupRisk, HoldPolicy
from wattseal.rules.ramp import RampPolicy
from wattseal.rules.retention import RetentionPolicy, below_law
from wattseal.rules.revenue_split import RevenueShares


def policy_of(settings: Settings) -> Policy:
    """Return the flow's settings."""
    master = settings.tokens.master_group
    retention = _retention(settings.retention, legal_entities(settings.billing.entities))
    return Policy(
        alarm_severity=settings.devices.alarm_severity,
        inventory=settings.devices.inventory,
        vendors=frozenset(settings.devices.vendors),
        mmd_s=settings.log.mmd_s,
        public_url=settings.serve.public_url,
        master_group=None if master is None else canonical(master),
        interrupted_after_s=settings.transactions.interrupted_after_s,
        one_per=settings.tokens.one_charge_per,
        start_button=settings.tokens.start_button,
        hearsay_cap_wh=settings.tokens.hearsay_cap_wh,
        alone_stations=settings.people.alone_stations,
        alone_power_stations=settings.people.alone_power_stations,
        alone_charge_stations=settings.people.alone_charge_stations,
        list_stale_s=settings.tokens.list_stale_s,
        charging=_charging(settings.charging),
        billing=_billing(settings.billing),
        retention=retention,
        payments=payment_policy(settings.payments),
        alerts=alert_policy(settings.alerts),
        list_parties=frozenset(partner.party for partner in settings.partners if partner.local_lists),
    )


def ramp_of(chosen: Ramp) -> RampPolicy:
    """Return how fast commands may change power, in watts and milliseconds."""
    return RampPolicy(
        fleet_w_s=max(1, round(chosen.fleet_kw_s * 1000)),
        site_w_s=max(1, round(chosen.site_kw_s * 1000)),
        jitter_ms=round(chosen.jitter_s * 1000),
        max_wait_ms=round(chosen.max_wait_s * 1000),
        spread_ms=round(chosen.spread_s * 1000),
        evse_w=max(1, round(chosen.evse_kw * 1000)),
    )


def _charging(chosen: ChargingLimits) -> ChargingPolicy:
    if not (chosen.floor_a >= 0 and chosen.voltage_v > 0):
        raise ConfigError("floor_a is at least 0 and voltage_v more", code="bad_charging", subject="charging")
    if chosen.fallback_a is not None and not chosen.floor_a <= chosen.fallback_a <= MAX_FALLBACK_A:
        text = f"fallback_a is at least floor_a ({chosen.floor_a:f}): less would stop charging when a limit ends"
        raise ConfigError(text, code="bad_charging", subject="charging.fallback_a")
    if chosen.offline_hold_s is not None and chosen.fallback_a is None:
        text = "an offline station has to go by something: set charging.fallback_a as well"
        raise ConfigError(text, code="bad_charging", subject="charging.offline_hold_s")
    try:
        zone = ZoneInfo(chosen.time_zone)
    except (ValueError, OSError, KeyError) as error:
        text = f"there is no time zone {chosen.time_zone}; give an IANA name such as Europe/Berlin"
        raise ConfigError(text, code="bad_time_zone", subject="charging.time_zone") from error
    return ChargingPolicy(
        floor_a=chosen.floor_a,
        voltage_v=chosen.voltage_v,
        phases=chosen.phases,
        answer_needs=chosen.answer_needs,
        zone=zone,
        cost_interval_s=chosen.cost_interval_s,
        show_price=chosen.show_price,
        install_tariffs=chosen.install_tariffs,
        fallback_a=chosen.fallback_a,
        fallback_hold_s=chosen.fallback_hold_s,
        offline_hold_s=chosen.offline_hold_s,
    )


def _retention(chosen: Retention, entities: Sequence[LegalEntity]) -> RetentionPolicy:
    kept = RetentionPolicy(**msgspec.structs.asdict(chosen))
    short = below_law(kept, (entity.country for entity in entities))
    if short is not None:
        country, years = short
        text = f"the law of {country} has invoices kept for {years} years: set retention.invoices_years to that or more"
        raise ConfigError(text, code="below_law", subject="retention.invoices_years")
    return kept


def _billing(chosen: Billing) -> BillingPolicy:
    for share in chosen.shares:
        if (share.host is None) is (share.party is None):
            text = "a share is of the host of a site or of a party: give one of the two"
            raise ConfigError(text, code="bad_share", subject="billing.shares")
        if not 0 <= share.percent <= 100:
            raise ConfigError("a share is 0 to 100 percent", code="bad_share", subject="billing.shares")
    hosts = {share.host: share.percent for share in chosen.shares if share.host is not None}
    parties = {share.party: share.percent for share in chosen.shares if share.party is not None}
    if len(hosts) + len(parties) != len(chosen.shares):
        raise ConfigError("two shares are of the same host or party", code="bad_share", subject="billing.shares")
    if max(hosts.values(), default=Decimal(0)) + max(parties.values(), default=Decimal(0)) > 100:
        text = "a host's and a party's share can add up to more than 100 percent; lower one of them"
        raise ConfigError(text, code="bad_share", subject="billing.shares")
    shares = RevenueShares(hosts, parties)
    return BillingPolicy(
        wait_ms=int(chosen.wait_s * 1000),
        shares=shares,
        holds=_holds(chosen),
        entities=legal_entities(chosen.entities),
    )


def _holds(chosen: Billing) -> HoldPolicy:
    if not 0 <= chosen.least_hold <= chosen.hold:
        text = "least_hold is 0 or more, and hold not less"
        raise ConfigError(text, code="bad_hold", subject="billing.least_hold")
    if not 0 < chosen.extend_at <= 1:
        raise ConfigError("extend_at is a share above 0, up to 1", code="bad_hold", subject="billing.extend_at")
    if chosen.offline_cap < 0:
        raise ConfigError("offline_cap is 0 or more", code="bad_hold", subject="billing.offline_cap")
    groups = {canonical(g.group): GroupRisk(g.unreachable, g.offline, g.cap_wh) for g in chosen.groups}
    if len(groups) != len(chosen.groups):
        raise ConfigError("two tables are about the same group", code="bad_group", subject="billing.groups")
    return HoldPolicy(
        hold=chosen.hold,
        least_hold=chosen.least_hold,
        extend_at=chosen.extend_at,
        watch_s=chosen.watch_s,
        max_session_wh=chosen.max_session_wh,
        without_account=chosen.without_account,
        unreachable=chosen.unreachable,
        unreachable_cap_wh=chosen.unreachable_cap_wh,
        offline=chosen.offline,
        offline_cap_wh=chosen.offline_cap_wh,
        offline_cap=chosen.offline_cap,
        offline_after_s=chosen.offline_after_s,
        stop_after_s=chosen.stop_after_s,
        quarantine_s=chosen.quarantine_days * 86_400,
        groups=groups,
    )


def load_contract_roots(path: Path | None) -> tuple[Certificate, ...]:
    """Read who may issue contract certificates; `ConfigError` where the file cannot be used."""
    if path is None:
        return ()
    try:
        return read_bundle(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the contract roots: {error.strerror}", subject=str(path)) from error
    except InputError as error:
        raise ConfigError(f"the contract roots are no PEM certificates: {error}", subject=str(path)) from error
