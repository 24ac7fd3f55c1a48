"""The trust file: what a verifier believes before it opens a bundle (docs/spec/trust.md).

Nothing is trusted because it is in the bundle.
"""

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.crypto.keys import PublicKey
from wattseal.log.keys import VerifierKey
from wattseal.seal.registry import Refusal, Registry
from wattseal.seal.signed import Statement, parse

VERSION = 1
MAX_TRUST_BYTES = 4 * 1024 * 1024


class TrustError(InputError):
    """The trust file cannot be used."""

    code = "bad_trust_file"


@dataclass(frozen=True, slots=True)
class Root:
    """A registry whose entries are believed."""

    name: str
    key: PublicKey
    party: str


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log (its verifier key is named as its origin) and the party that runs it."""

    key: VerifierKey
    party: str


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness and the party it belongs to."""

    key: VerifierKey
    party: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Registry roots, logs, witnesses with the quorum (how many distinct parties must cosign), and known entries.

    `entries` are root-signed statements the verifier holds itself: its revocations win over whatever a bundle shows.
    `contract_roots` are DER certificates of whoever issues contracts to vehicles (ISO 15118).
    """

    registries: tuple[Root, ...]
    logs: tuple[LogKey, ...]
    witnesses: tuple[WitnessKey, ...]
    quorum: int
    entries: tuple[Statement, ...] = ()
    contract_roots: tuple[bytes, ...] = ()

    def contracts(self) -> tuple[Certificate, ...]:
        """Return the roots (and sub-CAs) under which vehicles' contracts count."""
        return tuple(map(read_certificate, self.contract_roots))

    def roots(self) -> dict[str, PublicKey]:
        """Return registry keys by name."""
        return {root.name: root.key for root in self.registries}

    def registry(self, more: tuple[Statement, ...] = ()) -> Registry:
        """Return a registry of this file's entries and `more`; what is refused is left out."""
        registry = Registry(self.roots())
        registry.add_all([*self.entries, *more])
        return registry

    def examine(self, more: tuple[Statement, ...]) -> tuple[Registry, tuple[Refusal, ...]]:
        """Return a registry of this file's entries and `more`, for reading only, and what was refused."""
        return _examine(self.registries, (*self.entries, *more))

    def to_json(self) -> bytes:
        """Return the file's text."""
        value = {
            "wattseal_trust": VERSION,
            "registries": [
                {"name": r.name, "public_key": base64.b64encode(r.key.spki).decode(), "party": r.party}
                for r in self.registries
            ],
            "logs": [{"vkey": str(log.key), "party": log.party} for log in self.logs],
            "witnesses": [{"vkey": str(w.key), "party": w.party} for w in self.witnesses],
            "quorum": self.quorum,
            "entries": [base64.b64encode(e.encode()).decode() for e in self.entries],
        }
        if self.contract_roots:
            value["contract_roots"] = [base64.b64encode(der).decode() for der in self.contract_roots]
        return (json.dumps(value, indent=2) + "\n").encode()

    @staticmethod
    def parse(data: bytes) -> "Trust":
        """Parse a trust file; `TrustError` names the field and what to write there."""
        if len(data) > MAX_TRUST_BYTES:
            raise TrustError(f"a trust file has at most {MAX_TRUST_BYTES} bytes", subject="size")
        try:
            value = json.loads(data, object_pairs_hook=_no_duplicates)
        except (ValueError, RecursionError) as error:
            raise TrustError("a trust file is JSON; see docs/spec/trust.md", subject="json") from error
        if not isinstance(value, dict) or value.get("wattseal_trust") != VERSION:
            raise TrustError(f'a trust file says "wattseal_trust": {VERSION}', subject="wattseal_trust")
        unknown = value.keys() - {
            "wattseal_trust",
            "registries",
            "logs",
            "witnesses",
            "quorum",
            "entries",
            "contract_roots",
        }
        if unknown:
            raise TrustError(f"unknown field {min(unknown)!r}", subject=min(unknown))
        quorum = value.get("quorum")
        if type(quorum) is not int or not 1 <= quorum <= 64:
            raise TrustError("quorum is the number of witness parties that must cosign, at least 1", subject="quorum")
        return Trust(
            registries=tuple(
                Root(_text(r, "name"), PublicKey.from_spki(_base64(r, "public_key")), _text(r, "party"))
                for r in _list(value, "registries")
            ),
            logs=tuple(LogKey(VerifierKey.parse(_text(x, "vkey")), _text(x, "party")) for x in _list(value, "logs")),
            witnesses=tuple(
                WitnessKey(VerifierKey.parse(_text(x, "vkey")), _text(x, "party")) for x in _list(value, "witnesses")
            ),
            quorum=quorum,
            entries=tuple(parse(_base64({"entries": e}, "entries")) for e in _list(value, "entries")),
            contract_roots=tuple(_certificate(c) for c in _list(value, "contract_roots")),
        )


@lru_cache(maxsize=256)
def _examine(roots: tuple[Root, ...], statements: tuple[Statement, ...]) -> tuple[Registry, tuple[Refusal, ...]]:
    """Fill a registry; remembered, since a station's bundles all bring the same entries."""
    registry = Registry({root.name: root.key for root in roots})
    return registry, tuple(registry.add_all(list(statements)))


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise TrustError("a field stands twice", subject="json")
    return value


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name, [])
    if not isinstance(found, list):
        raise TrustError(f"{name} is a list", subject=name)
    return found


def _text(value: Any, name: str) -> str:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise TrustError(f"{name} is missing or not text", subject=name)
    return found


def _certificate(value: Any) -> bytes:
    try:
        return read_certificate(_base64({"contract_roots": value}, "contract_roots")).der
    except InputError as error:
        raise TrustError("contract_roots are certificates in base64 of DER", subject="contract_roots") from error


def _base64(value: Any, name: str) -> bytes:
    try:
        return base64.b64decode(_text(value, name), validate=True)
    except ValueError as error:
        raise TrustError(f"{name} is not base64", subject=name) from error
