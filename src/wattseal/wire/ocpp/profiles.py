"""Charging profiles, schedules and composite schedules as each version spells them.

All versions meet in the plain JSON of 2.x. 1.6 is turned into it and back; what 1.6 cannot say is an `InputError`. What
2.0.1 cannot say is left to its schema, which `catalog.ask` checks.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from wattseal.base.errors import InputError
from wattseal.model.charging import Composite, Period, Profile, ProfileKind, Purpose, RateUnit, Recurrency, Schedule
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.message import Payload, present, utc
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MAX_LIMIT = Decimal(10) ** 12
"""No limit in W or A is larger: 999999 means "no limit" in the specification's own examples."""
TOO_LARGE = Refusal(Fault.VALUE, "limits are numbers of at most 12 digits")
_PURPOSE_16 = "ChargePointMaxProfile"
_TENTH = Decimal("0.1")
_PERIOD = {
    "startPeriod": "start_s",
    "limit": "limit",
    "numberPhases": "phases",
    "phaseToUse": "phase",
    "limit_L2": "limit_l2",
    "limit_L3": "limit_l3",
    "dischargeLimit": "discharge_limit",
    "setpoint": "setpoint",
    "operationMode": "mode",
}
_AMOUNTS = {"limit", "limit_l2", "limit_l3", "discharge_limit", "setpoint"}
_SCHEDULE = {
    "id",
    "startSchedule",
    "duration",
    "chargingRateUnit",
    "chargingSchedulePeriod",
    "minChargingRate",
    "useLocalTime",
    "randomizedDelay",
}
_PROFILE = {
    "id",
    "stackLevel",
    "chargingProfilePurpose",
    "chargingProfileKind",
    "recurrencyKind",
    "validFrom",
    "validTo",
    "transactionId",
    "chargingSchedule",
    "dynUpdateInterval",
    "maxOfflineDuration",
}


class TooLargeError(InputError):
    """A limit beyond `MAX_LIMIT`."""


def lift_profile(told: Mapping[str, Any], version: Version, findings: list[Finding]) -> Profile:
    """Return a profile from the plain JSON of any version; a limit beyond all measure is a `TooLargeError`."""
    plain: Mapping[str, Any] = _profile_from_16(told) if version is Version.V16 else told
    recurrency = plain.get("recurrencyKind")
    return Profile(
        id=plain["id"],
        stack_level=plain["stackLevel"],
        purpose=Purpose(plain["chargingProfilePurpose"]),
        kind=ProfileKind(plain["chargingProfileKind"]),
        schedules=tuple(lift_schedule(schedule, findings) for schedule in plain["chargingSchedule"]),
        recurrency=None if recurrency is None else Recurrency(recurrency),
        valid_from=_moment(plain.get("validFrom"), "validFrom", findings),
        valid_to=_moment(plain.get("validTo"), "validTo", findings),
        transaction_id=plain.get("transactionId"),
        update_interval_s=plain.get("dynUpdateInterval"),
        offline_hold_s=plain.get("maxOfflineDuration"),
        more=_rest(plain, _PROFILE),
    )


def lift_schedule(plain: Mapping[str, Any], findings: list[Finding]) -> Schedule:
    """Return a schedule from its plain JSON (1.6 and 2.x alike)."""
    local = bool(plain.get("useLocalTime"))
    start = plain.get("startSchedule")
    least = plain.get("minChargingRate")
    return Schedule(
        unit=RateUnit(plain["chargingRateUnit"]),
        periods=tuple(lift_period(period) for period in plain["chargingSchedulePeriod"]),
        id=plain.get("id", 1),
        start=_wall(start) if local else _moment(start, "startSchedule", findings),
        duration_s=plain.get("duration"),
        min_rate=None if least is None else _amount(least),
        local_time=local,
        random_delay_s=plain.get("randomizedDelay", 0),
        more=_rest(plain, _SCHEDULE),
    )


def lift_period(plain: Mapping[str, Any]) -> Period:
    """Return a period from its plain JSON."""
    known = {name: plain[told] for told, name in _PERIOD.items() if told in plain}
    fields: dict[str, Any] = {name: _amount(value) if name in _AMOUNTS else value for name, value in known.items()}
    return Period(**fields, more=_rest(plain, _PERIOD.keys()))


def lift_composite(evse_id: int, told: Mapping[str, Any], start: str | None, findings: list[Finding]) -> Composite:
    """Return a composite schedule: 1.6 tells a ChargingSchedule and its start beside it, 2.x all in one."""
    began = start or told.get("scheduleStart") or told.get("startSchedule")
    return Composite(
        evse_id=told.get("evseId", evse_id),
        start=_moment(began, "scheduleStart", findings) or datetime.fromtimestamp(0, UTC),
        duration_s=told.get("duration", 0),
        unit=RateUnit(told["chargingRateUnit"]),
        periods=tuple(lift_period(period) for period in told["chargingSchedulePeriod"]),
    )


def lower_profile(profile: Profile, version: Version) -> Payload:
    """Return a profile in the words of `version`; what 1.6 lacks is an `InputError` that names it."""
    plain = present(
        id=profile.id,
        stackLevel=profile.stack_level,
        chargingProfilePurpose=profile.purpose.value,
        chargingProfileKind=profile.kind.value,
        recurrencyKind=None if profile.recurrency is None else profile.recurrency.value,
        validFrom=profile.valid_from,
        validTo=profile.valid_to,
        transactionId=profile.transaction_id,
        dynUpdateInterval=profile.update_interval_s,
        maxOfflineDuration=profile.offline_hold_s,
        chargingSchedule=[lower_schedule(schedule) for schedule in profile.schedules],
    ) | dict(profile.more)
    return _profile_to_16(plain) if version is Version.V16 else plain


def lower_schedule(schedule: Schedule) -> Payload:
    """Return a schedule in the words of 2.x."""
    return present(
        id=schedule.id,
        startSchedule=schedule.start,
        duration=schedule.duration_s,
        chargingRateUnit=schedule.unit.value,
        minChargingRate=schedule.min_rate,
        useLocalTime=True if schedule.local_time else None,
        randomizedDelay=schedule.random_delay_s or None,
        chargingSchedulePeriod=[lower_period(period) for period in schedule.periods],
    ) | dict(schedule.more)


def lower_period(period: Period) -> Payload:
    """Return a period in the words of 2.x."""
    return present(**{told: getattr(period, name) for told, name in _PERIOD.items()}) | dict(period.more)


def lower_composite(composite: Composite, version: Version) -> Payload:
    """Return the response's fields beside its status."""
    periods = [lower_period(period) for period in composite.periods]
    if version is Version.V16:
        schedule = present(
            duration=composite.duration_s,
            startSchedule=composite.start,
            chargingRateUnit=composite.unit.value,
            chargingSchedulePeriod=[_period_to_16(period) for period in periods],
        )
        return present(connectorId=composite.evse_id, scheduleStart=composite.start, chargingSchedule=schedule)
    schedule = present(
        evseId=composite.evse_id,
        duration=composite.duration_s,
        scheduleStart=composite.start,
        chargingRateUnit=composite.unit.value,
        chargingSchedulePeriod=periods,
    )
    return {"schedule": schedule}


def purpose_16(purpose: Purpose) -> str:
    """Return a purpose in the words of 1.6."""
    if purpose is Purpose.STATION_MAX:
        return _PURPOSE_16
    if purpose in {Purpose.TX, Purpose.TX_DEFAULT}:
        return purpose.value
    raise _cannot(f"the purpose {purpose.value}")


def purpose_of_16(told: str) -> Purpose:
    """Return a purpose from the words of 1.6."""
    return Purpose.STATION_MAX if told == _PURPOSE_16 else Purpose(told)


def moment(value: str, field: str, findings: list[Finding]) -> datetime:
    """Return an RFC 3339 time in UTC."""
    return utc(msgspec.convert(value, datetime), findings, field)


def _profile_from_16(told: Mapping[str, Any]) -> Payload:
    plain = dict(told)
    plain["id"] = plain.pop("chargingProfileId")
    plain["chargingProfilePurpose"] = purpose_of_16(plain["chargingProfilePurpose"]).value
    plain["chargingSchedule"] = [plain["chargingSchedule"]]
    if "transactionId" in plain:
        plain["transactionId"] = str(plain["transactionId"])
    return plain


def _profile_to_16(plain: Payload) -> Payload:
    """Return 2.x content in the words of 1.6 (chapter 7.8), which have one schedule, tenths and no more fields."""
    told = dict(plain)
    told["chargingProfileId"] = told.pop("id")
    told["chargingProfilePurpose"] = purpose_16(Purpose(str(told["chargingProfilePurpose"])))
    if told["chargingProfileKind"] == ProfileKind.DYNAMIC:
        raise _cannot("the kind Dynamic")
    schedules: Any = told.pop("chargingSchedule")
    if len(schedules) != 1:
        raise _cannot("several schedules in a profile")
    transaction = told.get("transactionId")
    if transaction is not None:
        if not str(transaction).isdecimal():
            raise _cannot("a transaction id that is no number")
        told["transactionId"] = int(str(transaction))
    told["chargingSchedule"] = _schedule_to_16(schedules[0])
    return told


def _schedule_to_16(schedule: Payload) -> Payload:
    told = {name: value for name, value in schedule.items() if name not in {"id", "salesTariff"}}
    periods: Any = told["chargingSchedulePeriod"]
    told["chargingSchedulePeriod"] = [_period_to_16(period) for period in periods]
    least = told.get("minChargingRate")
    if least is not None:
        told["minChargingRate"] = _tenths(least)
    for name in ("useLocalTime", "randomizedDelay"):
        if name in told:
            raise _cannot(name)
    return told


def _period_to_16(period: Payload) -> Payload:
    if "limit" not in period:
        raise _cannot("a period without a limit")
    beyond = sorted(period.keys() - {"startPeriod", "limit", "numberPhases"} - {"operationMode"})
    if beyond or period.get("operationMode", "ChargingOnly") != "ChargingOnly":
        raise _cannot(beyond[0] if beyond else "operation modes")
    told = {name: value for name, value in period.items() if name != "operationMode"}
    return told | {"limit": _tenths(period["limit"])}


def _tenths(value: object) -> Decimal:
    """Round down to a multiple of 0.1, as 1.6 spells limits: never above what was meant."""
    return Decimal(str(value)) // _TENTH * _TENTH


def _amount(value: object) -> Decimal:
    amount = Decimal(str(value))
    if not abs(amount) <= MAX_LIMIT:
        raise TooLargeError("limits are numbers of at most 12 digits", subject="limit")
    return amount


def _moment(value: str | None, field: str, findings: list[Finding]) -> datetime | None:
    return None if value is None else moment(value, field, findings)


def _wall(value: str | None) -> datetime | None:
    return None if value is None else msgspec.convert(value, datetime).replace(tzinfo=UTC)


def _rest(plain: Mapping[str, Any], known: Any) -> dict[str, object]:
    return {name: value for name, value in plain.items() if name not in known}


def _cannot(what: str) -> InputError:
    return InputError(f"OCPP 1.6 cannot say {what}; send a simpler profile", subject="profile")
