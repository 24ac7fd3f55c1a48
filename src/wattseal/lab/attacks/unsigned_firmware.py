"""T70: whoever has the operator's system sends firmware without a signature to a station behind an edge."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from wattseal.app.edge import uplink
from wattseal.app.edge.commands import CommandGate
from wattseal.app.edge.memory import EdgeMemory, Link
from wattseal.app.edge.uplink import CsmsSide
from wattseal.app.system import SystemRandom
from wattseal.crypto.keys import Algorithm
from wattseal.crypto.message_keys import self_signed
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import fresh
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.rules.edge_table import Row, Treatment
from wattseal.wire.ocpp.rpc import Call, CallResult, Connection
from wattseal.wire.ocpp.version import Version

LOCATION = "http://198.51.100.7/firmware.bin"
AT = "2027-01-15T08:00:00Z"
SIGNED = {Version.V16: "SignedUpdateFirmware", Version.V201: "UpdateFirmware", Version.V21: "UpdateFirmware"}


async def _perform(lab: Lab) -> Found:
    return await _send(lab)


async def _control(lab: Lab) -> Found:
    """Let everything pass the edge."""
    with swapped(uplink, "row", lambda *_: Row(Treatment.PASS)):
        return await _send(lab)


@dataclass(slots=True)
class _Station:
    """Whatever comes down to the station; it takes it."""

    came: list[str] = field(default_factory=list)

    async def call(self, action: str, payload: bytes) -> CallResult:
        """Take a call."""
        self.came.append(f"{action} {payload.decode()}")
        return cast("CallResult", SimpleNamespace())


class _SignedByTheOperator:
    """Whoever has the operator's system signs what is sent from there."""

    async def passes(self, action: str, payload: dict[str, Any]) -> bool:
        """Let a command pass."""
        return bool(action) and payload is not None

    async def announce(self, payload: dict[str, Any]) -> None:
        """Take no other message for one."""


async def _send(lab: Lab) -> Found:
    reached: list[str] = []
    tried = 0
    answers: dict[str, None] = {}
    for version in Version:
        for name, action, payload in _updates(lab, version):
            tried += 1
            came, answer = await _down(version, action, payload)
            answers[answer] = None
            if came:
                reached.append(f"{version.value} {name}")
        good = _signed(base64.b64encode(SystemRandom().bytes(70)).decode(), _certificate())
        if not (await _down(version, SIGNED[version], good))[0]:
            raise LabError("signed firmware does not pass the edge either", subject=version.value)
    if reached:
        return Found(Outcome.MISSED, f"the station was told: {'; '.join(reached[:4])}")
    text = f"{tried} unsigned updates over all versions stopped at the edge: {', '.join(answers)}"
    return Found(Outcome.PREVENTED, text, figures=(Figure("unsigned updates", tried, "calls"),))


async def _down(version: Version, action: str, payload: dict[str, Any]) -> tuple[list[str], str]:
    """Send a call down through the edge; return what reached the station, and what the sender is answered."""
    station = _Station()
    memory = cast("EdgeMemory", SimpleNamespace(site=SimpleNamespace(version=version.value)))
    side = CsmsSide(memory, cast("Link", station), cast("Link", station))
    side.gate = cast("CommandGate", _SignedByTheOperator())
    raw = json.dumps([2, "1", action, payload]).encode()
    call = Connection(version).receive(raw, datetime(2027, 1, 15, tzinfo=UTC))
    if not isinstance(call, Call):
        return [], "no OCPP"
    answer = await side.handle(call)
    return station.came, answer.decode() if isinstance(answer, bytes) else answer.fault.code(version)


def _certificate() -> str:
    return self_signed(fresh(Algorithm.ESP256), "firmware", 1, datetime(2027, 1, 15, tzinfo=UTC)).decode()


def _signed(signature: str | None, certificate: str | None) -> dict[str, Any]:
    firmware: dict[str, Any] = {"location": LOCATION, "retrieveDateTime": AT}
    firmware |= {} if signature is None else {"signature": signature}
    firmware |= {} if certificate is None else {"signingCertificate": certificate}
    return {"requestId": 7, "firmware": firmware}


def _updates(lab: Lab, version: Version) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield ways to hand over firmware that nobody signed."""
    signature, certificate = base64.b64encode(SystemRandom().bytes(70)).decode(), _certificate()
    action = SIGNED[version]
    if version is Version.V16:
        yield "UpdateFirmware", "UpdateFirmware", {"location": LOCATION, "retrieveDate": AT}
    pairs = {
        "neither signature nor certificate": (None, None),
        "a signature alone": (signature, None),
        "a certificate alone": (None, certificate),
        "an empty signature": ("", certificate),
        "a signature of three bytes": (base64.b64encode(b"abc").decode(), certificate),
        "a signature that is no base64": ("?" * 88, certificate),
        "an empty certificate": (signature, ""),
        "a certificate that is none": (signature, f"-----BEGIN CERTIFICATE-----\n{lab.dice.word(64)}\n"),
    }
    for name, pair in pairs.items():
        yield name, action, _signed(*pair)
    if version is not Version.V16:
        yield (
            "firmware to hand on",
            "PublishFirmware",
            {"location": LOCATION, "checksum": lab.dice.word(32), "requestId": 7},
        )
    yield (
        "a root of its own",
        "InstallCertificate",
        {
            "certificateType": "ManufacturerRootCertificate",
            "certificate": certificate,
        },
    )
    yield "a vendor's message", "DataTransfer", {"vendorId": "acme", "messageId": "firmware", "data": LOCATION}


ATTACK = Attack(
    line="T70",
    title="unsigned firmware is sent to a station behind an edge",
    steps=(
        "have the operator's connection to the edge",
        "send updates without a signature, with an empty or false one, without a certificate, in every version of OCPP",
        "send a root certificate of one's own ahead, and the address in a vendor's message",
        "look at what reaches the station",
    ),
    defence="an edge lets an update pass with a signature and a certificate that read, and no root certificate at all",
    without="the edge lets everything pass",
    residual="whether a signature is good, and whether firmware is older than what runs, is the station's to check; a "
    "station without an edge is told whatever the operator sends, and there is no manifest signed by several",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
