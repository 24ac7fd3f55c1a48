"""Foreign signed formats: what a meter or a car signed, checked with its key and read without trust."""

from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.evidence import ocmf
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.model.verdict import Verdict

FORMATS: tuple[Format, ...] = (ocmf.FORMAT,)


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one signed record of any known format under `keys`; never raises. Unknown bytes are UNREADABLE."""
    for candidate in FORMATS:
        if candidate.sniff(raw):
            return candidate.check(raw, keys)
    return Checked("", Verdict.UNREADABLE, "format_unknown")


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what the records of one transaction, in order, say together: energy, registers, continuity.

    It checks no signature: call `check` on each first. No records, mixed or unknown formats, and records that do not
    read raise `InputError`.
    """
    for candidate in FORMATS:
        if raws and all(map(candidate.sniff, raws)):
            return candidate.parse(raws)
    raise InputError("not records of one known format", code="format_unknown", subject="evidence")
