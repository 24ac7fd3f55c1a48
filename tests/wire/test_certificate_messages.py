"""Messages about certificates: both directions against each other, and what a version cannot say."""

import json
from datetime import UTC, datetime

import jsonschema_rs
import pytest
from tests.wire import ocpp_payloads

from wattseal.base.errors import InputError
from wattseal.model.certificates import (
    CSMS_ROOT,
    STATION_USE,
    CertificateDeleted,
    CertificateDelivered,
    CertificateId,
    CertificatesListed,
    CertificateStatus,
    ChainStatusAnswer,
    ChainStatusAsked,
    ContractAnswer,
    ContractAsked,
    InstalledAnswer,
    InstalledCertificate,
    OcspAnswer,
    RootInstalled,
    SigningRequested,
    StatusAsked,
    StatusQuestion,
)
from wattseal.model.message import Answer, Command, Fact
from wattseal.model.remote import Responded
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted, Sender
from wattseal.wire.ocpp.rpc import Call, CallResult, Connection
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ID = CertificateId("SHA256", "0a" * 32, "1b" * 32, "42")
CHILD = CertificateId("SHA384", "0c" * 48, "1d" * 48, "43")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

SAID: list[tuple[Version, Fact | Command]] = [
    (V16, SigningRequested(PEM)),
    (V201, SigningRequested(PEM, "V2GCertificate")),
    (V21, SigningRequested(PEM, STATION_USE, 7, ID)),
    (V16, CertificateDelivered(PEM)),
    (V201, CertificateDelivered(PEM, STATION_USE)),
    (V21, CertificateDelivered(PEM, "V2G20Certificate", 7)),
    *((version, RootInstalled(CSMS_ROOT, PEM)) for version in Version),
    (V16, RootInstalled("ManufacturerRootCertificate", PEM)),
    (V201, RootInstalled("V2GRootCertificate", PEM)),
    (V21, RootInstalled("OEMRootCertificate", PEM)),
    *((version, CertificateDeleted(ID)) for version in Version),
    (V16, CertificatesListed((CSMS_ROOT,))),
    (V201, CertificatesListed()),
    (V21, CertificatesListed(("V2GCertificateChain", "OEMRootCertificate"))),
    *((version, StatusAsked(ID, "http://ocsp.example/")) for version in (V201, V21)),
    (
        V21,
        ChainStatusAsked((StatusQuestion(ID, "OCSP", ("http://a/", "http://b/")), StatusQuestion(ID, "CRL", ("u",)))),
    ),
    (V201, ContractAsked("urn:iso:15118:2:2013:MsgDef", "Install", "gJgA")),
    (V21, ContractAsked("urn:iso:15118:2:2013:MsgDef", "Update", "gJgA", 3, ("DE8AA1A2B3C4D5",))),
]


@pytest.mark.parametrize(("version", "said"), SAID)
def test_what_one_side_says_the_other_understands(version: Version, said: Fact | Command) -> None:
    action, payload = catalog.ask(version, said)
    schema = ocpp_payloads.schemas()[version, action, "Request"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))
    call = Connection(version).receive(b'[2,"1","' + action.encode() + b'",' + payload + b"]", NOW)
    assert isinstance(call, Call)
    sender = Sender.CSMS if isinstance(said, Command) else Sender.STATION
    lifted = catalog.lift(version, call, sender)
    assert isinstance(lifted, Lifted), lifted
    assert lifted.fact == said


ANSWERED: list[tuple[Version, str, Answer]] = [
    *((version, "SignCertificate", Responded("Accepted")) for version in Version),
    (V201, "SignCertificate", Responded("Rejected", "InvalidCSR", "why")),
    *((version, "CertificateSigned", Responded("Rejected")) for version in Version),
    *((version, "InstallCertificate", Responded("Failed")) for version in Version),
    *((version, "DeleteCertificate", Responded("NotFound")) for version in Version),
    *((version, "GetInstalledCertificateIds", InstalledAnswer("NotFound")) for version in Version),
    (V16, "GetInstalledCertificateIds", InstalledAnswer("Accepted", (InstalledCertificate("", ID),))),
    (
        V21,
        "GetInstalledCertificateIds",
        InstalledAnswer("Accepted", (InstalledCertificate("V2GCertificateChain", ID, (CHILD,)),), "NoError", "detail"),
    ),
    (V201, "GetCertificateStatus", OcspAnswer("Accepted", "AAAA")),
    (V21, "GetCertificateStatus", OcspAnswer("Failed", None, "NotEnabled", "why")),
    (V21, "GetCertificateChainStatus", ChainStatusAnswer((CertificateStatus(ID, "OCSP", "Good", NOW),))),
    (V201, "Get15118EVCertificate", ContractAnswer("Failed", reason="NotEnabled")),
    (V21, "Get15118EVCertificate", ContractAnswer("Accepted", "gJgA", 2)),
]


@pytest.mark.parametrize(("version", "action", "answer"), ANSWERED)
def test_what_one_side_answers_the_other_understands(version: Version, action: str, answer: Answer) -> None:
    payload = catalog.lower(version, action, answer)
    schema = ocpp_payloads.schemas()[version, action, "Response"]
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(json.loads(payload))
    asking = Connection(version)
    asking.call("1", action, b"{}")
    result = asking.receive(b'[3,"1",' + payload + b"]", NOW)
    assert isinstance(result, CallResult)
    assert catalog.hear(version, result) == answer


@pytest.mark.parametrize(
    ("version", "command"),
    [
        (V16, RootInstalled("V2GRootCertificate", PEM)),
        (V16, CertificatesListed()),
        (V16, CertificatesListed((CSMS_ROOT, "ManufacturerRootCertificate"))),
        (V201, RootInstalled("OEMRootCertificate", PEM)),
        (V201, CertificateDelivered("x" * 10_001)),
    ],
)
def test_what_a_version_cannot_say_is_an_error(version: Version, command: Command) -> None:
    with pytest.raises(InputError):
        catalog.ask(version, command)


def test_1_6_leaves_out_what_it_has_no_words_for() -> None:
    action, payload = catalog.ask(V16, CertificateDelivered(PEM, STATION_USE, 7))
    assert (action, json.loads(payload)) == ("CertificateSigned", {"certificateChain": PEM})
