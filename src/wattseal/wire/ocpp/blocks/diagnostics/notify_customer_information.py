"""NotifyCustomerInformation (2.x N09), from the station: a part of a customer's information."""

from wattseal.model.customer import CustomerReported
from wattseal.wire.ocpp.generated.v21 import notify_customer_information as v21
from wattseal.wire.ocpp.generated.v201 import notify_customer_information as v201
from wattseal.wire.ocpp.plainly import told_as
from wattseal.wire.ocpp.version import Version

MESSAGE = told_as("NotifyCustomerInformation", {Version.V201: v201, Version.V21: v21}, CustomerReported)
