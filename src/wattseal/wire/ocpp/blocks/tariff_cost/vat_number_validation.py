"""VatNumberValidation (2.1 I12), from the station: a VAT number is to be checked."""

from wattseal.wire.ocpp.generated.v21 import vat_number_validation as v21
from wattseal.wire.ocpp.plainly import reported
from wattseal.wire.ocpp.version import Version

MESSAGE = reported("VatNumberValidation", {Version.V21: v21})
