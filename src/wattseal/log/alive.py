"""The statement that a CPO's process lives and its alarms are told (docs/spec/alive.md), and what speaks against it.

It is a signed note by the log's key. Its first line has a space in it and its second is no number, so that it is never
taken for a checkpoint.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from wattseal.base.errors import InputError
from wattseal.log import note
from wattseal.log.keys import SigningKey, VerifierKey
from wattseal.log.note import Note
from wattseal.log.text import decode_decimal, decode_hash, encode_base64
from wattseal.model.alarm import Severity
from wattseal.model.verdict import Finding, Verdict

PATH = "/.well-known/wattseal/alive"
MAX_STATEMENT = 16_384
"""Bytes of an answer that are read."""
_HEADER = "wattseal-alive/v1"
_HASH_HEX = 64
_FIELDS = ("at", "every", "log", "standing", "opened", "closed", "cleared", "restored", "chain")


@dataclass(frozen=True, slots=True)
class Alive:
    """What it says: when, how often it is made, the log's latest checkpoint, alarms that stand by severity.

    `opened`, `closed` and `cleared` count records since the first; `chain` is how many records the chain of alarms has
    in the database, and the hash of the last in hex ("" where there is none). `restored` counts alarms that were gone
    from the database since the process began.
    """

    origin: str
    at_ms: int
    every_ms: int
    size: int
    root: bytes
    standing: Mapping[Severity, int]
    opened: int
    closed: int
    cleared: int
    restored: int
    chain: tuple[int, str]

    def sign(self, key: SigningKey) -> Note:
        """Return the note."""
        standing = " ".join(f"{severity.value}={self.standing.get(severity, 0)}" for severity in Severity)
        lines = (
            f"{_HEADER} {self.origin}",
            f"at {self.at_ms}",
            f"every {self.every_ms}",
            f"log {self.size} {encode_base64(self.root)}",
            f"standing {standing}",
            f"opened {self.opened}",
            f"closed {self.closed}",
            f"cleared {self.cleared}",
            f"restored {self.restored}",
            f"chain {self.chain[0]} {self.chain[1] or '-'}",
        )
        return note.sign("".join(f"{line}\n" for line in lines).encode(), key)

    @classmethod
    def verify(cls, data: bytes, key: VerifierKey) -> Self:
        """Read one; `InputError` with code `unsigned` where `key` did not sign it, another code where it is none."""
        parsed = Note.parse(data)
        if note.check(parsed, (key,)).verdict is not Verdict.VALID:
            raise InputError("the statement is not signed by this log's key", code="unsigned", subject=key.name)
        first, *lines = parsed.text.decode().splitlines()
        told = dict(line.partition(" ")[::2] for line in lines)
        if not first.startswith(f"{_HEADER} ") or tuple(told) != _FIELDS:
            raise InputError("this is no statement that a CPO's process lives", code="bad_statement", subject="lines")
        size, _, root = told["log"].partition(" ")
        records, _, head = told["chain"].partition(" ")
        numbers = {name: decode_decimal(told[name], name) for name in ("opened", "closed", "cleared", "restored")}
        if head != "-" and len(head) != _HASH_HEX:
            raise InputError("a record's hash is 32 bytes in hex", code="bad_statement", subject="chain")
        return cls(
            origin=first.removeprefix(f"{_HEADER} "),
            at_ms=decode_decimal(told["at"], "at"),
            every_ms=decode_decimal(told["every"], "every"),
            size=decode_decimal(size, "log"),
            root=decode_hash(root, "root hash"),
            standing=_standing(told["standing"]),
            chain=(decode_decimal(records, "chain"), "" if head == "-" else head),
            **numbers,
        )


def _standing(text: str) -> dict[Severity, int]:
    counts = dict(part.partition("=")[::2] for part in text.split(" "))
    if tuple(counts) != tuple(severity.value for severity in Severity):
        raise InputError("alarms stand by severity", code="bad_statement", subject="standing")
    return {severity: decode_decimal(counts[severity.value], "standing") for severity in Severity}


def is_late(told: Alive, now_ms: int, late_ms: int) -> bool:
    """Return whether a statement is older than it may be."""
    return now_ms - told.at_ms > late_ms


def troubles(told: Alive, before: Alive | None) -> tuple[Finding, ...]:
    """Return what speaks against a statement by itself, and beside the one before."""
    found = list(_alone(told))
    if before is not None:
        found.extend(_beside(told, before))
    return tuple(found)


def _alone(told: Alive) -> Iterable[Finding]:
    stand, due = sum(told.standing.values()), told.opened - told.closed - told.cleared
    if stand != due:
        yield Finding("alarms_uncounted", "standing", f"{stand} alarms stand, by their records it is {due}")
    if told.chain[0] < told.opened + told.closed + told.cleared:
        yield Finding("alarm_records_missing", "chain", f"{told.chain[0]} records of more events")
    if told.restored:
        yield Finding("alarm_rows_removed", "restored", f"{told.restored} alarms were gone from the database")


def _beside(told: Alive, before: Alive) -> Iterable[Finding]:
    if told.origin != before.origin:
        yield Finding("another_origin", "origin", f"{told.origin}, was {before.origin}")
    if told.at_ms < before.at_ms:
        yield Finding("older_statement", "at", f"{before.at_ms - told.at_ms} ms older than the one before")
    for name in ("opened", "closed", "cleared"):
        now, then = getattr(told, name), getattr(before, name)
        if now < then:
            yield Finding("alarm_count_fell", name, f"{now}, was {then}")
    if told.chain[0] < before.chain[0]:
        yield Finding("alarm_log_shrank", "chain", f"{told.chain[0]} records, were {before.chain[0]}")
    if told.chain[0] == before.chain[0] and told.chain[1] != before.chain[1]:
        yield Finding("alarm_log_differs", "chain", f"record {told.chain[0]} is another one than before")
    if told.size < before.size:
        yield Finding("log_shrank", "log", f"{told.size} entries, were {before.size}")
    if told.size == before.size and told.root != before.root:
        yield Finding("log_differs", "log", f"another root for {told.size} entries than before")
