"""CustomerInformation (2.x N09, N10), from the CSMS: ask for or remove a customer's information."""

from wattseal.model.customer import CustomerAsked
from wattseal.wire.ocpp.generated.v21 import customer_information as v21
from wattseal.wire.ocpp.generated.v201 import customer_information as v201
from wattseal.wire.ocpp.plainly import asked_as
from wattseal.wire.ocpp.version import Version

MESSAGE = asked_as("CustomerInformation", {Version.V201: v201, Version.V21: v21}, CustomerAsked)
