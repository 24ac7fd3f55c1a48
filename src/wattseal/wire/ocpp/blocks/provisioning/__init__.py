"""Functional block B, provisioning: one file a message."""

from wattseal.wire.ocpp.blocks.provisioning import (
    boot_notification,
    change_configuration,
    get_base_report,
    get_configuration,
    get_report,
    get_variables,
    heartbeat,
    notify_report,
    reset,
    set_network_profile,
    set_variables,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    boot_notification.MESSAGE,
    change_configuration.MESSAGE,
    get_base_report.MESSAGE,
    get_configuration.MESSAGE,
    get_report.MESSAGE,
    get_variables.MESSAGE,
    heartbeat.MESSAGE,
    notify_report.MESSAGE,
    reset.MESSAGE,
    set_network_profile.MESSAGE,
    set_variables.MESSAGE,
)
