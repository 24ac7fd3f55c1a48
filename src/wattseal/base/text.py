"""Hostile text made fit to show."""


def shown(text: str, *, limit: int = 120) -> str:
    r"""Return hostile `text` fit for a log, a terminal or a page: one line, printable, nothing a template resolves.

    Control, bidirectional and other unprintable characters and the "$" of "${" become `\u{hex}`; text longer than
    `limit` characters ends in an ellipsis.
    """
    short = text[:limit]
    safe = "".join(
        c if c.isprintable() and not (c == "$" and short[i + 1 : i + 2] == "{") else f"\\u{{{ord(c):x}}}"
        for i, c in enumerate(short)
    )
    return safe + ("…" if len(text) > limit else "")


_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction in which others are read."""


def one_line(text: str, *, limit: int = 200) -> str:
    """Return hostile `text` fit for a document: one line without control, turning or unassigned characters.

    What people write, accents, other scripts and emoji, stays as it is. Longer text ends in an ellipsis.
    """
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or _writable(c))
    line = " ".join(kept.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _writable(char: str) -> bool:
    joins = char in {"\u200c", "\u200d", "\ufe0f"}  # between letters of some scripts, and within emoji
    return joins or (char.isprintable() and char not in _TURNING)
