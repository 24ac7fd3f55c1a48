"""Functional block I, tariff and cost; payment at the station (2.1): one file a message."""

from wattseal.wire.ocpp.blocks.tariff_cost import (
    change_transaction_tariff,
    clear_tariffs,
    cost_updated,
    get_tariffs,
    notify_settlement,
    notify_web_payment_started,
    set_default_tariff,
    vat_number_validation,
)
from wattseal.wire.ocpp.message import Message

MESSAGES: tuple[Message, ...] = (
    change_transaction_tariff.MESSAGE,
    clear_tariffs.MESSAGE,
    cost_updated.MESSAGE,
    get_tariffs.MESSAGE,
    notify_settlement.MESSAGE,
    notify_web_payment_started.MESSAGE,
    set_default_tariff.MESSAGE,
    vat_number_validation.MESSAGE,
)
