"""Charging profiles on the wire: each version's words to one model and back, and what a version cannot say."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire import ocpp_payloads

from wattseal.base.errors import InputError
from wattseal.model.charging import (
    Composite,
    Period,
    Profile,
    ProfileKind,
    Purpose,
    RateUnit,
    Recurrency,
    Schedule,
)
from wattseal.model.charging_facts import (
    EvScheduleReported,
    LimitReported,
    NeedsReported,
    ProfilesReported,
    UpdateAnswer,
    UpdateWanted,
)
from wattseal.model.charging_orders import (
    ChargingReply,
    ClearProfiles,
    CompositeReply,
    GetComposite,
    GetProfiles,
    SetProfile,
    UpdateDynamic,
)
from wattseal.model.message import Answer, Command, Fact, Replied
from wattseal.model.tariff import Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Sender
from wattseal.wire.ocpp.rpc import CallResult, Connection
from wattseal.wire.ocpp.tariffs import lower_tariff
from wattseal.wire.ocpp.version import Refusal, Version

V16, V201, V21 = Version
NOW = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
SCHEDULE = Schedule(
    unit=RateUnit.A,
    periods=(Period(start_s=0, limit=Decimal("15.9"), phases=3), Period(start_s=60, limit=Decimal(6))),
    start=NOW,
    duration_s=3600,
    min_rate=Decimal(6),
)
PROFILE = Profile(
    id=7,
    stack_level=2,
    purpose=Purpose.TX,
    kind=ProfileKind.RECURRING,
    schedules=(SCHEDULE,),
    recurrency=Recurrency.DAILY,
    valid_from=NOW,
    valid_to=NOW,
    transaction_id="12",
)
RICH = replace(
    PROFILE,
    kind=ProfileKind.DYNAMIC,
    recurrency=None,
    update_interval_s=60,
    offline_hold_s=30,
    more={"invalidAfterOfflineDuration": True},
    schedules=(
        replace(
            SCHEDULE,
            local_time=True,
            random_delay_s=30,
            more={"powerTolerance": Decimal("0.5")},
            periods=(
                Period(
                    start_s=0,
                    limit=Decimal(10),
                    limit_l2=Decimal(9),
                    limit_l3=Decimal(8),
                    discharge_limit=Decimal(-5),
                    setpoint=Decimal("-4.5"),
                    mode="CentralSetpoint",
                    more={"v2xBaseline": 3},
                ),
            ),
        ),
    ),
)


def commanded(version: Version, command: Command) -> Command:
    """Return what a station understands of a command."""
    action, payload = catalog.ask(version, command)
    schema = ocpp_payloads.schemas()[version, action, "Request"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))
    read = catalog.read_command(version, action, payload)
    assert not isinstance(read, Refusal), read
    return read


def answered(version: Version, action: str, answer: Answer) -> Answer:
    """Return what is heard of an answer."""
    payload = catalog.lower(version, action, answer)
    schema = ocpp_payloads.schemas()[version, action, "Response"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))
    asking = Connection(version)
    asking.call("1", action, b"{}")
    result = asking.receive(b'[3,"1",' + payload + b"]", NOW)
    assert isinstance(result, CallResult)
    heard = catalog.hear(version, result)
    assert not isinstance(heard, Refusal), heard
    return heard


def told(version: Version, fact: Fact) -> Fact:
    """Return what a CSMS understands of a fact."""
    action, payload = catalog.ask(version, fact)
    call = Connection(version).receive(json.dumps([2, "1", action, json.loads(payload)]).encode(), NOW)
    lifted = catalog.lift(version, call, Sender.STATION)  # type: ignore[arg-type]
    assert not isinstance(lifted, Refusal), lifted
    found: Fact = lifted.fact
    return found


@pytest.mark.parametrize("version", Version)
def test_a_profile_reaches_the_station_as_it_was_meant(version: Version) -> None:
    command = SetProfile(1, PROFILE)
    assert commanded(version, command) == command


def test_all_that_2_1_adds_to_a_profile_is_kept() -> None:
    assert commanded(V21, SetProfile(1, RICH)) == SetProfile(1, RICH)


COMMANDS: list[tuple[Version, Command]] = [
    *((version, ClearProfiles(4)) for version in Version),
    *((version, ClearProfiles(None, 1, Purpose.TX_DEFAULT, 3)) for version in Version),
    *((version, ClearProfiles(None, 0, Purpose.STATION_MAX)) for version in Version),
    *((version, GetComposite(1, 600, RateUnit.W)) for version in Version),
    *((version, GetComposite(0, 600)) for version in Version),
    *((version, GetProfiles(5, 1, Purpose.TX, 2, (), ("CSO", "EMS"))) for version in (V201, V21)),
    *((version, GetProfiles(5, None, profile_ids=(1, 2))) for version in (V201, V21)),
    (V21, UpdateDynamic(3, {"limit": Decimal("7.5"), "setpoint": -4})),
]


@pytest.mark.parametrize(("version", "command"), COMMANDS, ids=repr)
def test_commands_about_limits_are_understood(version: Version, command: Command) -> None:
    assert commanded(version, command) == command


COMPOSITE = Composite(
    evse_id=1, start=NOW, duration_s=600, unit=RateUnit.A, periods=(Period(start_s=0, limit=Decimal(10), phases=3),)
)


@pytest.mark.parametrize("version", Version)
def test_a_composite_schedule_is_heard_as_it_was_told(version: Version) -> None:
    reply = CompositeReply("Accepted", COMPOSITE)
    assert answered(version, "GetCompositeSchedule", reply) == reply
    refusal = CompositeReply("Rejected", None, None if version is V16 else "UnknownEVSE")
    assert answered(version, "GetCompositeSchedule", refusal) == refusal


@pytest.mark.parametrize("version", [V201, V21])
def test_reasons_of_a_refusal_are_heard(version: Version) -> None:
    reply = ChargingReply("Rejected", "DuplicateProfile")
    assert answered(version, "SetChargingProfile", reply) == reply


FACTS: list[tuple[Version, Fact]] = [
    *((version, ProfilesReported(4, 1, "CSO", (PROFILE,), more_follows=True)) for version in (V201, V21)),
    *((version, LimitReported(1, "EMS", (SCHEDULE,), grid_critical=True)) for version in (V201, V21)),
    (V21, LimitReported(0, "SO", local_generation=True)),
    *((version, NeedsReported(1, {"requestedEnergyTransfer": "DC"}, 3)) for version in (V201, V21)),
    *((version, EvScheduleReported(1, NOW, SCHEDULE)) for version in (V201, V21)),
    (V21, EvScheduleReported(1, NOW, SCHEDULE, 2)),
    (V21, UpdateWanted(9)),
]


@pytest.mark.parametrize(("version", "fact"), FACTS, ids=repr)
def test_facts_about_limits_are_understood(version: Version, fact: Fact) -> None:
    assert told(version, fact) == fact


def test_answers_to_facts_are_heard() -> None:
    pulled = UpdateAnswer("Accepted", {"limit": 5})
    assert answered(V21, "PullDynamicScheduleUpdate", pulled) == pulled
    assert answered(V21, "PullDynamicScheduleUpdate", UpdateAnswer("Rejected")) == UpdateAnswer("Rejected")
    assert answered(V21, "ReportChargingProfiles", Replied({})) == Replied({})


UNSPEAKABLE: dict[str, Profile] = {
    "Dynamic": replace(PROFILE, kind=ProfileKind.DYNAMIC),
    "PriorityCharging": replace(PROFILE, purpose=Purpose.PRIORITY),
    "several schedules": replace(PROFILE, schedules=(SCHEDULE, SCHEDULE)),
    "transaction id": replace(PROFILE, transaction_id="a-b"),
    "useLocalTime": replace(PROFILE, schedules=(replace(SCHEDULE, local_time=True),)),
    "without a limit": replace(PROFILE, schedules=(replace(SCHEDULE, periods=(Period(start_s=0),)),)),
    "setpoint": replace(
        PROFILE, schedules=(replace(SCHEDULE, periods=(Period(start_s=0, limit=Decimal(6), setpoint=Decimal(6)),)),)
    ),
    "operation modes": replace(
        PROFILE, schedules=(replace(SCHEDULE, periods=(Period(start_s=0, limit=Decimal(6), mode="Idle"),)),)
    ),
}


@pytest.mark.parametrize("what", UNSPEAKABLE)
def test_what_1_6_cannot_say_is_named(what: str) -> None:
    with pytest.raises(InputError, match=what):
        catalog.ask(V16, SetProfile(1, UNSPEAKABLE[what]))


def test_what_2_0_1_cannot_say_is_refused_by_its_schema() -> None:
    for profile in (RICH, replace(PROFILE, purpose=Purpose.PRIORITY)):
        with pytest.raises(InputError, match=r"2\.0\.1 cannot spell this"):
            catalog.ask(V201, SetProfile(1, profile))


def test_limits_of_1_6_are_tenths_and_never_more_than_was_meant() -> None:
    finer = replace(PROFILE, schedules=(replace(SCHEDULE, periods=(Period(start_s=0, limit=Decimal("15.99")),)),))
    _, payload = catalog.ask(V16, SetProfile(1, finer))
    sent = json.loads(payload)["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert sent == [{"startPeriod": 0, "limit": 15.9}]


@pytest.mark.parametrize("version", Version)
def test_a_limit_beyond_all_measure_is_refused(version: Version) -> None:
    action, payload = catalog.ask(version, SetProfile(1, PROFILE))
    huge = payload.replace(b"15.9", b"1e99" if version is not V16 else b"99999999999999.9")
    assert huge != payload
    assert isinstance(catalog.read_command(version, action, huge), Refusal)


AMOUNTS = st.decimals(0, 10_000, places=1)


@given(st.lists(AMOUNTS, min_size=1, max_size=5), st.sampled_from(RateUnit), st.sampled_from(list(Version)))
def test_any_schedule_is_said_and_heard_without_loss(limits: list[Decimal], unit: RateUnit, version: Version) -> None:
    steps = tuple(Period(start_s=60 * n, limit=limit) for n, limit in enumerate(limits))
    command = SetProfile(1, replace(PROFILE, schedules=(replace(SCHEDULE, unit=unit, periods=steps),)))
    assert commanded(version, command) == command


def component(kind: str, price: str, **more: Any) -> PriceComponent:
    return PriceComponent(kind, Decimal(price), more.get("vat", Decimal(20)), more.get("step", 1))


def tariff(*elements: TariffElement, **more: Any) -> Tariff:
    return Tariff("DE", "CPO", "T", "EUR", elements, NOW, **more)


def test_a_tariff_of_all_dimensions_is_spelled_for_2_1_and_fits_its_schema() -> None:
    evening = Restrictions(start_time=time(18, 0), days_of_week=("MONDAY",), min_kwh=Decimal(5))
    whole = tariff(
        TariffElement((component("ENERGY", "0.50"), component("FLAT", "1"), component("TIME", "6"))),
        TariffElement((component("ENERGY", "0.40"), component("PARKING_TIME", "3")), evening),
        min_price=Price(Decimal(1), Decimal("1.2")),
        start_at=NOW + timedelta(days=1),
    )
    told_tariff = lower_tariff(whole)
    body = json.loads(bytes(catalog.encode({"evseId": 0, "tariff": told_tariff})))
    schema = ocpp_payloads.schemas()[V21, "SetDefaultTariff", "Request"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(body)
    energy = body["tariff"]["energy"]["prices"]
    assert [price["priceKwh"] for price in energy] == [0.5, 0.4]
    assert energy[1]["conditions"] == {"minEnergy": 5000, "startTimeOfDay": "18:00", "dayOfWeek": ["Monday"]}
    assert body["tariff"]["chargingTime"]["prices"] == [{"priceMinute": 0.1}]


INEXPRESSIBLE = {
    "step size": tariff(TariffElement((component("ENERGY", "0.5", step=100),))),
    "contain taxes": tariff(TariffElement((component("ENERGY", "0.5"),)), tax_included=TaxIncluded.YES),
    "two VAT rates": tariff(TariffElement((component("ENERGY", "1"), component("ENERGY", "1", vat=None)))),
    "exact price of a minute": tariff(TariffElement((component("TIME", "1"),))),
    "the dimension": tariff(TariffElement((component("NEWER", "1"),))),
    "reservation": tariff(TariffElement((component("ENERGY", "1"),), Restrictions(reservation="RESERVATION"))),
    "fixed fee": tariff(TariffElement((component("FLAT", "1"),), Restrictions(min_kwh=Decimal(1)))),
    "60 characters": replace(tariff(TariffElement((component("FLAT", "1"),))), id="T" * 61),
}


@pytest.mark.parametrize("what", INEXPRESSIBLE)
def test_a_tariff_that_2_1_cannot_say_exactly_is_refused(what: str) -> None:
    with pytest.raises(InputError, match=what):
        lower_tariff(INEXPRESSIBLE[what])
