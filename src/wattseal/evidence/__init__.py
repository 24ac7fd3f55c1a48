"""Foreign signed formats: what a meter or a car signed, checked with its key and read without trust."""

from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.evidence.formats import FORMATS, format_of
from wattseal.model.verdict import Finding, Verdict

__all__ = ["FORMATS", "check", "continuity", "format_of", "parse_transaction"]


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one signed record of any known format under `keys`; never raises. Unknown bytes are UNREADABLE."""
    found = format_of(raw)
    return Checked("", Verdict.UNREADABLE, "format_unknown") if found is None else found.check(raw, keys)


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what the records of one transaction, in order, say together: energy, registers, continuity.

    It checks no signature: call `check` on each first. No records, mixed or unknown formats, and records that do not
    read raise `InputError`.
    """
    return _common(raws).parse(raws)


def continuity(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records of one meter: gaps, order, a rewind; errors as above."""
    return _common(raws).continuity(raws)


def _common(raws: Sequence[bytes]) -> Format:
    for candidate in FORMATS:
        if raws and all(map(candidate.sniff, raws)):
            return candidate
    raise InputError("not records of one known format", code="format_unknown", subject="evidence")
