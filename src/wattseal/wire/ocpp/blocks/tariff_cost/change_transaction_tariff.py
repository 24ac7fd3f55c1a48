"""ChangeTransactionTariff (2.1 I11), from the CSMS: change the tariff of a transaction."""

from wattseal.wire.ocpp.generated.v21 import change_transaction_tariff as v21
from wattseal.wire.ocpp.plainly import commanded
from wattseal.wire.ocpp.version import Version

MESSAGE = commanded("ChangeTransactionTariff", {Version.V21: v21})
