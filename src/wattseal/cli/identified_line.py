"""How sure it is who charged, in a line (docs/spec/bundle.md, "Who charged")."""

from wattseal.base.text import shown
from wattseal.bundle.report import Identification
from wattseal.model import identity_level as level

_MEANS = {
    level.NONE: "nobody is named",
    level.HEARSAY: "a number, which a copy has too",
    level.TRUSTED: "an app, a code or a contract",
    level.VERIFIED: "checked by the meter",
    level.CERTIFIED: "a certificate",
    level.SECURE: "proved by a key",
}
_FAILED = "the meter says that it failed"
_WORDS = {
    "operator": "; the operator's own word",
    "decider": "; the word of whoever decided",
    "recorder": "; as whoever recorded it was told",
    "meter": "; signed by the meter",
}
_NOTHING = {
    "hidden": "not shown here: the identity group is not open",
    "not_told": "no record here says who charged",
}


def identified_line(found: Identification) -> str:
    """Return the level, what it means, and whose word it is; or why there is none."""
    if found.level is None:
        text = _NOTHING[found.basis]
    else:
        text = f"{found.level} ({_MEANS.get(found.level, _FAILED)}){_WORDS[found.word]}, {shown(found.said_by)}"
    signed = f"; the meter signed {found.meter}" if found.meter and found.basis != "meter" else ""
    return f"who charged: {text}{signed}"
