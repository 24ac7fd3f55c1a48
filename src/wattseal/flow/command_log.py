"""Commands as documents: what a station was asked, by whom, and what came of it, in the order of asking."""

import msgspec

from wattseal.flow.documents import put
from wattseal.flow.ports import Put
from wattseal.rules.secrets import without_secrets
from wattseal.seal.fields import Ordered

COMMAND = "command"
"""Document kind, by time and record."""
MAX_SHOWN = 32 * 1024
"""Longer payloads are left out of the document."""
NOTHING = msgspec.Raw(b"null")


class CommandKept(msgspec.Struct, frozen=True, kw_only=True):
    """Document, a struct for its raw JSON: one command; `record` and `outcome_record` are payload hashes in hex.

    `outcome` is None while the station has not answered; payload and answer are without secrets.
    """

    record: str
    station_id: str
    action: str
    version: str
    asked_by: str
    asked_at_ms: int
    deadline_ms: int
    payload: msgspec.Raw = NOTHING
    outcome: str | None = None
    answered_at_ms: int | None = None
    answer: msgspec.Raw = NOTHING
    outcome_record: str | None = None

    @property
    def key(self) -> str:
        """Return the document's key."""
        return f"{self.asked_at_ms:015d}-{self.record[:16]}"

    def answered(self, outcome: str, answer: bytes, record: bytes, now_ms: int) -> "CommandKept":
        """Return the document with what came of it."""
        shown = _shown(self.action, answer)
        return msgspec.structs.replace(
            self, outcome=outcome, answer=shown, outcome_record=record.hex(), answered_at_ms=now_ms
        )

    def put(self, now_ms: int) -> Put:
        """Return the document to write."""
        return put(COMMAND, self.key, self, now_ms, station_id=self.station_id, active=self.outcome is None)


def _shown(action: str, payload: bytes) -> msgspec.Raw:
    kept = without_secrets(action, payload)
    return msgspec.Raw(kept) if 0 < len(kept) <= MAX_SHOWN else NOTHING


def asked(record: bytes, station_id: str, said: Ordered, payload: bytes, now_ms: int) -> CommandKept:
    """Return the document of a command just recorded."""
    return CommandKept(
        record=record.hex(),
        station_id=station_id,
        action=said.action,
        version=said.version,
        asked_by=said.asked_by,
        asked_at_ms=now_ms,
        deadline_ms=said.deadline_ms,
        payload=_shown(said.action, payload),
    )
