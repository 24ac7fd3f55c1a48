"""Functional block A, security: one file a message."""

from wattseal.wire.ocpp.blocks.security import certificate_signed, security_event_notification, sign_certificate
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    certificate_signed.MESSAGE,
    security_event_notification.MESSAGE,
    sign_certificate.MESSAGE,
)
