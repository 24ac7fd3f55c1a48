"""The one layout of the pages: no script, no picture, no font from elsewhere; phones first, light and dark."""

from html import escape

from litestar import Response

CONTENT = "text/html; charset=utf-8"
STYLE = """
:root { color-scheme: light dark; --ink: #1a2129; --paper: #f4f6f8; --card: #fff; --soft: #5b6770; --line: #d9dfe4;
  --go: #0a6847; --go-ink: #fff; --warn: #8f2f17 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf1; --paper: #12171c; --card: #1c242b; --soft: #9fadb8;
  --line: #34404a; --go: #3fbf8d; --go-ink: #06281b; --warn: #ff9d80 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif }
main { max-width: 28rem; margin: 0 auto; padding: 1rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem;
  margin-bottom: 1rem }
h1 { font-size: 1.375rem; line-height: 1.25; margin: .75rem 0 1rem }
h2 { font-size: 1rem; margin: 0 0 .5rem; color: var(--soft); font-weight: 600 }
p { margin: .5rem 0 }
dl { margin: 0 } dl div { display: flex; justify-content: space-between; gap: 1rem; padding: .375rem 0 }
dl div + div { border-top: 1px solid var(--line) }
dt { color: var(--soft) }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
button, .button { display: block; width: 100%; padding: .875rem 1rem; border: 0; border-radius: .625rem; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; background: var(--go); color: var(--go-ink);
  cursor: pointer }
button.quiet { background: none; color: var(--soft); border: 1px solid var(--line) }
:focus-visible { outline: 3px solid var(--soft); outline-offset: 2px }
form { margin-top: .875rem }
.small { font-size: .875rem; color: var(--soft) } .warn { color: var(--warn) }
.test { background: repeating-linear-gradient(135deg, #f3c614 0 1rem, #1a1a1a 1rem 2rem); height: .75rem }
"""
"""Served as a file of its own, so that the page allows no style within."""


def page(
    language: str,
    title: str,
    body: str,
    *,
    status: int = 200,
    refresh_s: int | None = None,
    form_action: tuple[str, ...] = (),
) -> Response[bytes]:
    """Return a page; `body` is HTML already, all else is escaped here. `form_action`: where a form may lead."""
    again = "" if refresh_s is None else f'<meta http-equiv="refresh" content="{refresh_s}">'
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'{again}<title>{escape(title)}</title><link rel="stylesheet" href="/pay/style.css"></head>'
        f"<body><main>{body}</main></body></html>"
    )
    targets = " ".join(("'self'", *form_action))
    policy = f"default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {targets}"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    return Response(html.encode(), status_code=status, media_type=CONTENT, headers=headers)


def rows(*pairs: tuple[str, str]) -> str:
    """Return a list of names and values."""
    inner = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f"<dl>{inner}</dl>"


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph."""
    return f'<p class="{kind}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"
