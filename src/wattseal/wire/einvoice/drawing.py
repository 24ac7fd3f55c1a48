"""Drawing on pages: fonts that are embedded, text that is measured before it is set, QR codes as areas."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from itertools import groupby
from typing import Any

import segno
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from wattseal.wire.einvoice.glyphs import drawable

REGULAR, BOLD = "WattsealSans", "WattsealSans-Bold"
_FILES = {REGULAR: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}
INK, GREY, ACCENT, PALE, RULE, ALARM = (
    (0.10, 0.13, 0.15),
    (0.38, 0.42, 0.45),
    (0.02, 0.36, 0.33),
    (0.93, 0.96, 0.95),
    (0.80, 0.84, 0.84),
    (0.70, 0.10, 0.10),
)
Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set: font, size and leading in points, colour."""

    font: str = REGULAR
    size: float = 8.5
    leading: float = 11.0
    colour: Colour = INK


@cache
def asset(name: str) -> bytes:
    """Return a file that is shipped beside this module."""
    return files("wattseal.wire.einvoice").joinpath("assets", name).read_bytes()


@cache
def fonts() -> dict[str, dict[int, int]]:
    """Make the fonts known to the library, once; return which characters each has."""
    known = {}
    for name, file in _FILES.items():
        font = TTFont(name, BytesIO(asset(file)))
        pdfmetrics.registerFont(font)
        known[name] = font.face.charToGlyph
    return known


def width_of(text: str, style: Style) -> float:
    """Return how wide a drawable text is, in points."""
    width: float = pdfmetrics.stringWidth(text, style.font, style.size)
    return width


def fit(text: str, style: Style) -> str:
    """Return hostile text as the style's font draws it."""
    return drawable(text, fonts()[style.font], limit=2000)


def wrap(text: str, style: Style, width: float, *, lines: int = 100) -> list[str]:
    """Return text broken into at most so many lines; what is left out ends in an ellipsis."""
    broken = list(_broken(fit(text, style), style, width))
    if len(broken) <= lines:
        return broken
    last = broken[lines - 1]
    while last and width_of(last + "…", style) > width:
        last = last[:-1]
    return [*broken[: lines - 1], last + "…"]


def _broken(text: str, style: Style, width: float) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        rest = word
        joined = f"{line} {rest}" if line else rest
        if width_of(joined, style) <= width:
            line = joined
            continue
        if line:
            yield line
        while width_of(rest, style) > width:
            cut = next(n for n in range(len(rest) - 1, 0, -1) if n == 1 or width_of(rest[:n], style) <= width)
            yield rest[:cut]
            rest = rest[cut:]
        line = rest
    if line:
        yield line


class Sheet:
    """A canvas with the origin at the top left, in points."""

    def __init__(self, canvas: Canvas, height: float) -> None:
        """Draw on `canvas`, whose pages are `height` high."""
        self._canvas = canvas
        self._height = height

    def text(self, x: float, y: float, text: str, style: Style, *, right: bool = False) -> None:
        """Set one line of drawable text with its baseline at y, from x on or, `right`, up to x."""
        self._canvas.setFont(style.font, style.size)
        self._canvas.setFillColorRGB(*style.colour)
        draw = self._canvas.drawRightString if right else self._canvas.drawString
        draw(x, self._height - y, text)

    def lines(self, x: float, y: float, lines: list[str], style: Style) -> float:
        """Set lines below one another from the baseline y on; return the next baseline."""
        for line in lines:
            self.text(x, y, line, style)
            y += style.leading
        return y

    def rule(self, x: float, y: float, width: float, colour: Colour = RULE, thick: float = 0.5) -> None:
        """Draw a horizontal line."""
        self._canvas.setStrokeColorRGB(*colour)
        self._canvas.setLineWidth(thick)
        self._canvas.line(x, self._height - y, x + width, self._height - y)

    def area(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill an area whose top left corner is (x, y)."""
        self._canvas.setFillColorRGB(*colour)
        self._canvas.rect(x, self._height - y - height, width, height, stroke=0, fill=1)

    def qr(self, x: float, y: float, side: float, content: str) -> None:
        """Draw a QR code as one path, `side` wide, its top left corner at (x, y), and make it a link."""
        matrix = segno.make(content, error="m", micro=False, boost_error=False).matrix
        module = side / len(matrix)
        path: Any = self._canvas.beginPath()
        for row, cells in enumerate(matrix):
            column = 0
            for dark, run in groupby(cells):
                length = len(list(run))
                if dark:
                    top = self._height - y - (row + 1) * module
                    path.rect(x + column * module, top, length * module, module)
                column += length
        self._canvas.setFillColorRGB(*INK)
        self._canvas.drawPath(path, stroke=0, fill=1)
        self._canvas.linkURL(content, (x, self._height - y - side, x + side, self._height - y), relative=0, thickness=0)


MM = float(mm)
"""Points of a millimetre."""
