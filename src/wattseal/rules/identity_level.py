"""The identification level that a meter signed in its records of OCMF (section 3.4, IL)."""

from collections.abc import Iterable

import msgspec

from wattseal.model.identity_level import ERRORS, RISING


class _Signed(msgspec.Struct):
    IL: str = ""


def signed_level(evidence: Iterable[tuple[str, bytes]]) -> str | None:
    """Return the level in the first record of OCMF among what a meter signed; None where there is none."""
    for _, data in evidence:
        head, _, rest = data.lstrip().partition(b"|")
        if head != b"OCMF":
            continue
        try:
            told = msgspec.json.decode(rest.rpartition(b"|")[0], type=_Signed).IL
        except msgspec.MsgspecError:
            continue
        if told in ERRORS or told in RISING:
            return told
    return None
