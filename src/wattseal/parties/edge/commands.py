"""Commands from the CSMS at an edge: signed by its key, for this station, as they came, in time, and once.

What is refused is told on the station's own chain, so that whoever sits on the link cannot keep it from the operator.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey
from wattseal.model.verdict import Finding
from wattseal.parties.edge.state import Commands, EdgeState, Site
from wattseal.parties.edge.step import STATION_STREAM, Step, heartbeat_of
from wattseal.parties.edge.upstream import to_json
from wattseal.rules.command_mismatch import ALTERED, MISMATCH, without_tokens
from wattseal.rules.recorded import Observed
from wattseal.rules.secrets import without_secrets
from wattseal.seal import command
from wattseal.seal.command import MAX_LIFE_MS, SignedCommand
from wattseal.seal.item import Group
from wattseal.seal.registry import Role, Use
from wattseal.seal.signed import parse
from wattseal.seal.writer import GroupDraft
from wattseal.wire.ocpp.signed_commands import payload_hash

LEEWAY_MS = 60_000
"""So far the clocks of edge and CSMS may be apart."""
MAX_USED = 1024
"""Commands remembered; beyond that those that end first are forgotten, and none that ends as early passes any more."""
MAX_SHOWN = 8 * 1024
"""Bytes kept of a payload that was refused."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that does not pass: `why` in words; `record` is that of the CSMS's command, where its word is good."""

    why: str
    record: bytes | None = None


UNSIGNED = Refused("it came without a signature")
_UNREADABLE = Refused("what should be its signature cannot be read")
_UNKNOWN_KEY = Refused("it is signed with a key that is not the CSMS's for this station")
NOT_ASKED_BEFORE = frozenset({UNSIGNED, _UNKNOWN_KEY})
"""What passes an edge that does not require signed commands yet: whoever could forge these could leave them out."""


def opened(site: Site, data: bytes) -> SignedCommand | Refused:
    """Return what the CSMS signed, for whatever station, call and time; or why it is not its word."""
    try:
        statement = parse(data)
        entry = site.registry.by_kid(statement.signature.kid)
        good = entry is not None and entry.role is Role.CSMS and entry.use is Use.SIGN and entry.revoked_ms is None
        if entry is None or not good or not entry.covers(site.origin):
            return _UNKNOWN_KEY
        said = command.read(statement, PublicKey.from_spki(entry.spki), site.log_origin)
    except InputError:
        return _UNREADABLE
    return Refused("its signature is false") if said is None else said


def checked(
    state: EdgeState, site: Site, said: SignedCommand, call: tuple[str, Mapping[str, Any]], now_ms: int
) -> EdgeState | Refused:
    """Return the state after the command has passed, or why it does not. `call` is the action and payload as it came.

    The state must be durable before the station is asked: a command passes once.
    """
    action, payload = call
    why = None
    if said.origin != site.origin:
        why = "it is signed for another station"
    elif said.action != action:
        why = f"{said.action} was signed, {action} came"
    elif said.payload != payload_hash(payload):
        why = ALTERED
    elif not 0 <= said.until_ms - said.issued_ms <= MAX_LIFE_MS:
        why = "it is signed for longer than any command is good"
    elif now_ms > said.until_ms + LEEWAY_MS:
        why = f"it came {(now_ms - said.until_ms) / 1000:.0f} s after its time by the edge's clock"
    elif now_ms < said.issued_ms - LEEWAY_MS:
        why = f"it came {(said.issued_ms - now_ms) / 1000:.0f} s before its time by the edge's clock"
    elif said.until_ms <= state.commands.forgotten_ms or said.record in dict(state.commands.used):
        why = "it has come before"
    if why is not None:
        return Refused(why, said.record)
    return replace(state, commands=_with(state.commands, said, now_ms))


def _with(commands: Commands, said: SignedCommand, now_ms: int) -> Commands:
    """Remember a command that passed and forget those that are over: from now on signatures are required."""
    used = sorted((*commands.used, (said.record, said.until_ms)), key=lambda one: one[1])
    over = [until_ms for _, until_ms in used if until_ms + LEEWAY_MS < now_ms]
    count = max(len(over), len(used) - MAX_USED)
    forgotten_ms = max(commands.forgotten_ms, used[count - 1][1]) if count else commands.forgotten_ms
    return Commands(required=True, used=tuple(used[count:]), forgotten_ms=forgotten_ms)


def requiring(state: EdgeState) -> EdgeState:
    """Return the state in which no command passes without a signature."""
    return state if state.commands.required else replace(state, commands=replace(state.commands, required=True))


def right_time(state: EdgeState, answer: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """Return a CSMS's answer with a time that the edge's own clock bears out: limits begin and end by the station's.

    An edge that does not require signed commands yet leaves it alone.
    """
    told = answer.get("currentTime")
    if told is None or not state.commands.required:
        return answer
    try:
        at = datetime.fromisoformat(told)
        off_ms = abs((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000 - now_ms)
    except (TypeError, ValueError, OverflowError):
        off_ms = math.inf
    return answer if off_ms <= LEEWAY_MS else {**answer, "currentTime": datetime.fromtimestamp(now_ms / 1000, UTC)}


def reported(state: EdgeState, site: Site, refused: Refused, call: tuple[str, Mapping[str, Any]], now_ms: int) -> Step:
    """Tell the CSMS of a command that was refused: a signed record of the station's chain, with the payload that came.

    What names a driver is left out of it.
    """
    action, payload = call
    came = without_tokens({name: value for name, value in payload.items() if name != "customData"})
    observed = Observed((Finding(MISMATCH, action[:50], refused.why),))
    raw = observed.to_fields(without_secrets(action, to_json(came))[:MAX_SHOWN])
    refs = () if refused.record is None else (refused.record,)
    return heartbeat_of(state, site, STATION_STREAM, now_ms, groups={Group.RAW: GroupDraft(raw)}, refs=refs)
