"""Signed commands: the CSMS's word that a station is to be asked this, now and once (docs/spec/edge.md, "Commands").

It goes beside the OCPP call, which anybody on the way could write otherwise.
"""

from dataclasses import dataclass

from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.seal.dcbor import CborError
from wattseal.seal.signed import Domain, Statement, sign

MAX_LIFE_MS = 600_000
"""No command is good for longer."""


@dataclass(frozen=True, slots=True)
class SignedCommand:
    """For the station's `origin`: the OCPP action, and the SHA-256 of its payload's canonical text.

    `record` is the payload hash of the command's record, which names the command: it is good once, from `issued_ms` to
    `until_ms`, Unix milliseconds of the CSMS's clock.
    """

    origin: str
    action: str
    payload: bytes
    record: bytes
    issued_ms: int
    until_ms: int


def issue(command: SignedCommand, key: SigningKey, log_origin: str) -> Statement:
    """Sign a command as the CSMS."""
    c = command
    values = (c.origin, c.action, c.payload, c.record, c.issued_ms, c.until_ms)
    return sign(dict(enumerate(values, start=1)), key, Domain.COMMAND, log_origin)


def read(statement: Statement, key: PublicKey, log_origin: str) -> SignedCommand | None:
    """Return the command if `key` signed it for this log, else None; a wrong shape is a `CborError`."""
    if not statement.verify(key, Domain.COMMAND, log_origin):
        return None
    fields = statement.fields
    types = (str, str, bytes, bytes, int, int)
    if sorted(fields) != list(range(1, 7)) or any(type(fields[i + 1]) is not t for i, t in enumerate(types)):
        raise CborError("a command has six fields", subject="command")
    found = SignedCommand(*(fields[i] for i in range(1, 7)))
    if len(found.payload) != 32 or len(found.record) != 32:
        raise CborError("the hashes of a command are 32 bytes", subject="command")
    return found
