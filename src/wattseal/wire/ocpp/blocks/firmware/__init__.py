"""Functional block L, firmware management: one file a message."""

from wattseal.wire.ocpp.blocks.firmware import (
    firmware_status_notification,
    publish_firmware,
    publish_firmware_status_notification,
    signed_firmware_status_notification,
    signed_update_firmware,
    unpublish_firmware,
    update_firmware,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    firmware_status_notification.MESSAGE,
    publish_firmware.MESSAGE,
    publish_firmware_status_notification.MESSAGE,
    signed_firmware_status_notification.MESSAGE,
    signed_update_firmware.MESSAGE,
    unpublish_firmware.MESSAGE,
    update_firmware.MESSAGE,
)
