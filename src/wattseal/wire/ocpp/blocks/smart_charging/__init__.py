"""Functional block K, smart charging: one file a message."""

from wattseal.wire.ocpp.blocks.smart_charging import (
    clear_charging_profile,
    cleared_charging_limit,
    get_charging_profiles,
    get_composite_schedule,
    notify_charging_limit,
    notify_ev_charging_needs,
    notify_ev_charging_schedule,
    notify_priority_charging,
    pull_dynamic_schedule_update,
    report_charging_profiles,
    set_charging_profile,
    update_dynamic_schedule,
    use_priority_charging,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    clear_charging_profile.MESSAGE,
    cleared_charging_limit.MESSAGE,
    get_charging_profiles.MESSAGE,
    get_composite_schedule.MESSAGE,
    notify_charging_limit.MESSAGE,
    notify_ev_charging_needs.MESSAGE,
    notify_ev_charging_schedule.MESSAGE,
    notify_priority_charging.MESSAGE,
    pull_dynamic_schedule_update.MESSAGE,
    report_charging_profiles.MESSAGE,
    set_charging_profile.MESSAGE,
    update_dynamic_schedule.MESSAGE,
    use_priority_charging.MESSAGE,
)
