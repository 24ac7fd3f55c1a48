"""Foreign signed formats: what a meter or a car signed, checked with its key and read without trust."""

from collections.abc import Sequence

from wattseal.evidence import ocmf
from wattseal.evidence.format import Checked, Format
from wattseal.model.verdict import Verdict

FORMATS: tuple[Format, ...] = (ocmf.FORMAT,)


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one signed record of any known format under `keys`; never raises. Unknown bytes are UNREADABLE."""
    for candidate in FORMATS:
        if candidate.sniff(raw):
            return candidate.check(raw, keys)
    return Checked("", Verdict.UNREADABLE, "format_unknown")
