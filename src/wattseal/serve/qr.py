"""QR codes as SVG, for whatever is shown on a screen."""

import io

import segno


def svg(text: str) -> str:
    """Return a QR code of a text as one SVG element, black on white with its quiet zone."""
    out = io.BytesIO()
    made = segno.make(text, error="m", micro=False, boost_error=False)
    made.save(out, kind="svg", xmldecl=False, light="#fff", scale=4, border=4, nl=False)
    return out.getvalue().decode()
