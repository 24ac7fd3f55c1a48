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
