"""NotifyWebPaymentStarted (2.1 C25), from the CSMS: a driver has begun to pay on the web."""

from wattseal.wire.ocpp.generated.v21 import notify_web_payment_started as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("NotifyWebPaymentStarted", {Version.V21: v21})
