"""Block A: security profiles and passwords; over TLS, with an authority of the CSMS's own."""

import asyncio
import ssl
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.conformance.secured import CPO, DROPPED, VERSIONS, Tls, alive
from tests.conformance.wire import Station, Wire
from tests.support.csms import PASSWORD
from tests.support.pki import Ca, new_key, subject


@pytest.mark.conformance(
    "TC_A_04_CSMS",
    "OCPP16S_A00.FR.301",
    "OCPP16S_A00.FR.302",
    "OCPP16S_A00.FR.305",
    "OCPP16S_A00.FR.306",
    "OCPP16S_A00.FR.311",
    "OCPP16S_A00.FR.312",
)
@VERSIONS
async def test_a_password_over_tls_opens_the_connection(wire: Wire, tls: Tls, version: str) -> None:
    name = wire.enrol(wire.name())
    await wire.refused(name, 401, version=version, password="wrong", tls=tls.trusting(), url=tls.wss)
    await wire.refused(name, 401, version=version, password=None, tls=tls.trusting(), url=tls.wss)
    await wire.refused(name, 401, version=version, user="ANOTHER", tls=tls.trusting(), url=tls.wss)
    station = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
    await alive(station)
    assert (await wire.api("GET", f"/stations/{name}")).json()["connection"]["security_profile"] == 2


@pytest.mark.conformance("TC_A_06_CSMS", "OCPP16S_A00.FR.313", "OCPP16S_A00.FR.314", "OCPP16S_A00.FR.417")
async def test_tls_older_than_1_2_ends_in_the_handshake_and_1_2_does_not(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name())
    old, good = tls.trusting(), tls.trusting()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(DROPPED):
        await wire.dial(name, tls=old, url=tls.wss)
    await alive(await wire.dial(name, tls=good, url=tls.wss))


@pytest.mark.conformance("OCPP16S_A00.FR.317", "OCPP16S_A00.FR.421")
@pytest.mark.parametrize(
    "suite",
    ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-GCM-SHA384"],
)
async def test_every_suite_that_is_demanded_is_spoken(wire: Wire, tls: Tls, suite: str) -> None:
    name = wire.enrol(wire.name())
    context = tls.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    await alive(await wire.dial(name, tls=context, url=tls.wss))


@pytest.mark.conformance(
    "TC_A_07_CSMS",
    "OCPP16S_A00.FR.401",
    "OCPP16S_A00.FR.402",
    "OCPP16S_A00.FR.403",
    "OCPP16S_A00.FR.404",
    "OCPP16S_A00.FR.405",
    "OCPP16S_A00.FR.409",
    "OCPP16S_A00.FR.410",
    "OCPP16S_A00.FR.415",
)
@VERSIONS
@pytest.mark.parametrize("kind", ["ec", "rsa"])
async def test_a_certificate_of_its_own_opens_the_connection(wire: Wire, tls: Tls, version: str, kind: str) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    key = new_key() if kind == "ec" else rsa.generate_private_key(65537, 2048)
    station = await wire.dial(name, version, password=None, tls=tls.trusting(tls.of(name, key)), url=tls.mutual)
    await alive(station)
    shown = (await wire.api("GET", f"/stations/{name}/certificates")).json()
    assert [own["use"] for own in shown["own"]] == ["ChargingStationCertificate"]


@pytest.mark.conformance("TC_A_08_CSMS", "OCPP16S_A00.FR.407")
async def test_a_certificate_that_is_not_to_be_trusted_opens_nothing(wire: Wire, tls: Tls) -> None:
    name, another = wire.enrol(wire.name(), security_profile=3), wire.enrol(wire.name())
    strange = Ca.make("CPO CA").issue(subject(name, CPO)).write(tls.folder, "strange")
    with pytest.raises(DROPPED):
        await wire.dial(name, password=None, tls=tls.trusting(strange), url=tls.mutual)
    with pytest.raises(DROPPED):
        await wire.dial(name, tls=tls.trusting(), url=tls.mutual)
    anothers = tls.trusting(tls.of(another))
    await wire.refused(name, 401, password=None, tls=anothers, url=tls.mutual)
    await wire.refused(name, 401, password=PASSWORD, tls=anothers, url=tls.wss)
    await wire.refused(name, 401, tls=tls.trusting(), url=tls.wss)


@pytest.mark.conformance("OCPP16S_A00.FR.702", "OCPP16S_A00.FR.704")
async def test_a_revoked_certificate_ends_the_connection_and_opens_no_other(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    shown = tls.trusting(tls.of(name))
    station = await wire.dial(name, password=None, tls=shown, url=tls.mutual)
    await alive(station)
    (own,) = (await wire.api("GET", f"/stations/{name}/certificates")).json()["own"]
    told = await wire.api("POST", f"/certificates/{own['serial']}/revocation")
    assert told.status_code == 200, told.text
    await station.closed(1008)
    await wire.refused(name, 401, password=None, tls=shown, url=tls.mutual)
    assert (await wire.api("POST", "/certificates/00ff/revocation")).status_code == 422


@pytest.mark.conformance("TC_A_19_CSMS", "OCPP16S_A00.FR.002", "OCPP16S_A00.FR.005", "OCPP16S_A00.FR.006")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_2x_station_moves_to_a_higher_profile_and_never_back(wire: Wire, tls: Tls, version: str) -> None:
    station = await wire.station(version)
    station.replies |= {
        "SetNetworkProfile": {"status": "Accepted"},
        "SetVariables": {
            "setVariableResult": [
                {
                    "attributeStatus": "Accepted",
                    "component": {"name": "OCPPCommCtrlr"},
                    "variable": {"name": "NetworkConfigurationPriority"},
                }
            ]
        },
        "Reset": {"status": "Accepted"},
    }
    told = await asked_of(station, "security-profile", {"security_profile": 2, "url": tls.wss})
    assert [sent["action"] for sent in told["sent"]] == ["SetNetworkProfile", "SetVariables", "Reset"]
    station.asked("SetNetworkProfile", {"configurationSlot": 2, "connectionData": {"securityProfile": 2}})
    station.asked("SetVariables", {"setVariableData": [{"attributeValue": "2,1"}]})
    station.asked("Reset", {"type": "OnIdle"})
    await station.close()
    await moved(wire, tls, station.name, version)
    refused = await wire.api(
        "POST", f"/stations/{station.name}/security-profile", {"security_profile": 1, "url": tls.wss}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "profile_not_higher")


async def moved(wire: Wire, tls: Tls, name: str, version: str) -> None:
    """Come with profile 2, then try to come with 1 again."""
    higher = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
    await alive(higher)
    await wire.refused(name, 401, version=version)
    assert (await wire.api("GET", f"/stations/{name}")).json()["security_profile"] == 2


async def asked_of(station: Station, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have the CSMS ask something of a station that answers out of its replies."""
    answering = asyncio.create_task(station.serve())
    try:
        told = await station.wire.api("POST", f"/stations/{station.name}/{what}", body)
    finally:
        answering.cancel()
    assert told.status_code == 200, told.text
    found: dict[str, Any] = told.json()
    return found


@pytest.mark.conformance("OCPP16S_A05.FR.05", "OCPP16S_A05.FR.06", "OCPP16S_A05.FR.07", "OCPP16S_A05.FR.09")
async def test_a_1_6_station_moves_to_a_higher_profile_and_never_back(wire: Wire, tls: Tls) -> None:
    station = await wire.station("1.6")
    station.replies["ChangeConfiguration"] = {"status": "Accepted"}
    await asked_of(station, "security-profile", {"security_profile": 2, "url": tls.wss})
    station.asked("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
    await station.close()
    await moved(wire, tls, station.name, "1.6")


@pytest.mark.conformance(
    "OCPP16S_A05.FR.01", "OCPP16S_A05.FR.02", "OCPP16S_A05.FR.03", "OCPP16S_A05.FR.04", "OCPP16S_A05.FR.08"
)
async def test_a_station_that_refuses_a_profile_keeps_its_old_one(wire: Wire, tls: Tls) -> None:
    station = await wire.station("1.6")
    station.replies["ChangeConfiguration"] = {"status": "Rejected"}
    await asked_of(station, "security-profile", {"security_profile": 3, "url": tls.wss})
    station.asked("ChangeConfiguration", {"key": "SecurityProfile", "value": "3"})
    await station.close()
    await alive(await wire.dial(station.name, "1.6"))


def told_password(station: Station) -> str | bytes:
    """Return the password in the last command that sets one."""
    if station.version == "1.6":
        asked = station.asked("ChangeConfiguration", {"key": "AuthorizationKey"})
        return bytes.fromhex(asked["value"])
    asked = station.asked("SetVariables", {"setVariableData": [{"component": {"name": "SecurityCtrlr"}}]})
    (variable,) = asked["setVariableData"]
    assert variable["variable"] == {"name": "BasicAuthPassword"}
    return str(variable["attributeValue"])


def answering(station: Station, status: str) -> None:
    """Let a station answer every attempt to set its password with a status."""
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    station.replies |= {
        "ChangeConfiguration": {"status": status},
        "SetVariables": {"setVariableResult": [{"attributeStatus": status, **variable}]},
    }


@pytest.mark.conformance(
    "TC_A_09_CSMS",
    "OCPP16S_A01.FR.02",
    "OCPP16S_A01.FR.03",
    "OCPP16S_A01.FR.06",
    "OCPP16S_A01.FR.07",
    "OCPP16S_A01.FR.08",
    "OCPP16S_A01.FR.09",
    "OCPP16S_A00.FR.205",
)
@VERSIONS
async def test_a_new_password_is_demanded_once_accepted_and_kept_nowhere(wire: Wire, version: str) -> None:
    station, other = await wire.station(version), await wire.station(version)
    passwords = []
    for one in (station, other):
        answering(one, "Accepted")
        assert (await asked_of(one, "password"))["good"] == "new"
        passwords.append(told_password(one))
        await one.close()
    assert passwords[0] != passwords[1]
    assert len(passwords[0]) == (20 if version == "1.6" else 32)
    await wire.refused(station.name, 401, version=version)
    again = await wire.dial(station.name, version, password=passwords[0])
    await alive(again)
    await wire.refused(other.name, 401, version=version, password=passwords[0])
    secret = passwords[0].hex().upper() if isinstance(passwords[0], bytes) else passwords[0]
    for file in wire.csms.data.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file
    assert secret not in (wire.csms.data.parent / "cpo.log").read_text()


@pytest.mark.conformance("TC_A_10_CSMS", "OCPP16S_A01.FR.04")
@VERSIONS
async def test_a_password_the_station_refuses_changes_nothing(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    answering(station, "Rejected")
    assert (await asked_of(station, "password"))["good"] == "old"
    refused = told_password(station)
    await station.close()
    await wire.refused(station.name, 401, version=version, password=refused)
    await alive(await wire.dial(station.name, version))


@VERSIONS
@pytest.mark.conformance("OCPP16S_A01.FR.05")
async def test_both_passwords_are_good_while_nobody_knows_which_the_station_uses(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    answering(station, "RebootRequired")
    assert (await asked_of(station, "password"))["good"] == "both"
    fresh = told_password(station)
    await station.close()
    await alive(await wire.dial(station.name, version))
    await alive(await wire.dial(station.name, version, password=fresh))
    await wire.refused(station.name, 401, version=version)


@VERSIONS
async def test_a_password_set_by_hand_counts_like_one_made_here(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    variable = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    fresh: str | bytes
    if version == "1.6":
        fresh = bytes(range(16, 36))
        payload: dict[str, Any] = {"key": "AuthorizationKey", "value": fresh.hex()}
        await station.commanded("ChangeConfiguration", payload, {"status": "Accepted"})
    else:
        fresh = "chosen by an operator"
        payload = {"setVariableData": [{"attributeValue": fresh, **variable}]}
        answer = {"setVariableResult": [{"attributeStatus": "Accepted", **variable}]}
        await station.commanded("SetVariables", payload, answer)
    await station.close()
    await wire.refused(station.name, 401, version=version)
    await alive(await wire.dial(station.name, version, password=fresh))


@pytest.mark.conformance("OCPP16S_A00.FR.005")
async def test_no_command_lowers_a_profile(wire: Wire, tls: Tls) -> None:
    for version in ("1.6", "2.0.1"):
        name = wire.enrol(wire.name(), security_profile=2)
        station = await wire.dial(name, version, tls=tls.trusting(), url=tls.wss)
        if version == "1.6":
            told = await station.command("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"})
        else:
            connection = {
                "ocppVersion": "OCPP20",
                "ocppTransport": "JSON",
                "ocppCsmsUrl": "ws://csms.example.org/",
                "messageTimeout": 30,
                "securityProfile": 1,
                "ocppInterface": "Wired0",
            }
            told = await station.command("SetNetworkProfile", {"configurationSlot": 1, "connectionData": connection})
        assert (told.status_code, told.json()["code"]) == (422, "profile_lowered")
        await alive(station)
        station.never_asked("ChangeConfiguration")
        station.never_asked("SetNetworkProfile")
