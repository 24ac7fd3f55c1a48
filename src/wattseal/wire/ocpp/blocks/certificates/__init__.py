"""Functional block M, certificates: one file a message."""

from wattseal.wire.ocpp.blocks.certificates import (
    delete_certificate,
    get15118_ev_certificate,
    get_certificate_chain_status,
    get_certificate_status,
    get_installed_certificate_ids,
    install_certificate,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    delete_certificate.MESSAGE,
    get15118_ev_certificate.MESSAGE,
    get_certificate_chain_status.MESSAGE,
    get_certificate_status.MESSAGE,
    get_installed_certificate_ids.MESSAGE,
    install_certificate.MESSAGE,
)
