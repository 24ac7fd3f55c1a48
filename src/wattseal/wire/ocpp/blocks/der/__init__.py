"""Functional block R, distributed energy resources (2.1): one file a message."""

from wattseal.wire.ocpp.blocks.der import (
    clear_der_control,
    get_der_control,
    notify_der_alarm,
    notify_der_start_stop,
    report_der_control,
    set_der_control,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    clear_der_control.MESSAGE,
    get_der_control.MESSAGE,
    notify_der_alarm.MESSAGE,
    notify_der_start_stop.MESSAGE,
    report_der_control.MESSAGE,
    set_der_control.MESSAGE,
)
