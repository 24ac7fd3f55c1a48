"""Text as a page shows it: letters in the shapes and the order in which they are drawn, and none that has no glyph.

PDF draws glyphs from left to right. Runs of right-to-left letters are turned round, and Arabic letters get the forms in
which they join. That is enough for names; it is no full Unicode bidirectional algorithm.
"""

from collections.abc import Container
from functools import cache
from unicodedata import bidirectional, decomposition, normalize

from wattseal.base.text import one_line

MISSING = "\u25af"
"""Drawn for a character that the font has no glyph for."""
_SHAPES = ("<isolated>", "<final>", "<initial>", "<medial>")
_INVISIBLE = frozenset("\u200c\u200d\ufe0f")


def drawable(text: str, glyphs: Container[int], *, limit: int = 200) -> str:
    """Return hostile `text` as one line of glyphs there are, from left to right."""
    line = normalize("NFC", one_line(text, limit=limit))
    if any(_turns(char) for char in line):
        line = _turned(_joined(line))
    return "".join(c if ord(c) in glyphs else MISSING for c in line if c not in _INVISIBLE)


def _turns(char: str) -> bool:
    return bidirectional(char) in {"R", "AL"}


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Return the shapes of Arabic letters, by letter and shape."""
    forms: dict[str, dict[str, str]] = {}
    for code in range(0xFE80, 0xFEF5):
        shape, _, letters = decomposition(chr(code)).partition(" ")
        if shape in _SHAPES and " " not in letters:
            forms.setdefault(chr(int(letters, 16)), {})[shape] = chr(code)
    return forms


def _joined(text: str) -> str:
    """Return the text with Arabic letters in the shapes that their neighbours give them."""
    forms = _forms()

    def joins(place: int, shape: str) -> bool:
        return 0 <= place < len(text) and shape in forms.get(text[place], {})

    drawn = []
    for place, char in enumerate(text):
        shapes = forms.get(char, {})
        before = joins(place - 1, "<initial>") and "<final>" in shapes
        after = joins(place + 1, "<final>") and "<initial>" in shapes
        shape = _SHAPES[before + 2 * after]
        drawn.append(shapes.get(shape, char))
    return "".join(drawn)


def _turned(text: str) -> str:
    """Return the text with its right-to-left runs turned round; numbers in them keep their order."""
    result, run = "", ""
    for char in text:
        if _turns(char) or (run and bidirectional(char) not in {"L", "EN"}):
            run += char
        else:
            result += _run(run) + char
            run = ""
    return result + _run(run)


def _run(run: str) -> str:
    """Turn a run round; what is neutral at its end belongs to what follows."""
    body = run.rstrip()
    while body and not _turns(body[-1]):
        body = body[:-1]
    return body[::-1] + run[len(body) :]
