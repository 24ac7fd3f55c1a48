"""Functional block N, diagnostics, monitoring and customer information: one file a message."""

from wattseal.wire.ocpp.blocks.diagnostics import (
    adjust_periodic_event_stream,
    clear_variable_monitoring,
    close_periodic_event_stream,
    customer_information,
    diagnostics_status_notification,
    get_diagnostics,
    get_log,
    get_monitoring_report,
    get_periodic_event_stream,
    log_status_notification,
    notify_customer_information,
    notify_event,
    notify_monitoring_report,
    notify_periodic_event_stream,
    open_periodic_event_stream,
    set_monitoring_base,
    set_monitoring_level,
    set_variable_monitoring,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    adjust_periodic_event_stream.MESSAGE,
    clear_variable_monitoring.MESSAGE,
    close_periodic_event_stream.MESSAGE,
    customer_information.MESSAGE,
    diagnostics_status_notification.MESSAGE,
    get_diagnostics.MESSAGE,
    get_log.MESSAGE,
    get_monitoring_report.MESSAGE,
    get_periodic_event_stream.MESSAGE,
    log_status_notification.MESSAGE,
    notify_customer_information.MESSAGE,
    notify_event.MESSAGE,
    notify_monitoring_report.MESSAGE,
    notify_periodic_event_stream.MESSAGE,
    open_periodic_event_stream.MESSAGE,
    set_monitoring_base.MESSAGE,
    set_monitoring_level.MESSAGE,
    set_variable_monitoring.MESSAGE,
)
