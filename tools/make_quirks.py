"""Write docs/reference/quirks.md from rules/quirks; `--check` says whether it is up to date."""

import sys
from pathlib import Path

from wattseal.rules.quirks import QUIRKS
from wattseal.rules.quirks.quirk import Effect

PAGE = Path(__file__).parent.parent / "docs/reference/quirks.md"
HEAD = """# Models that depart from the standard

Made by tools/make_quirks.py from `src/wattseal/rules/quirks/`, one file a vendor. A quirk changes how a station is
asked, or keeps a session from being billed. It never changes what a station said. What a station calls itself in its
BootNotification decides; columns are regular expressions.

| vendor | model | firmware | what happens | what is done | reported |
|---|---|---|---|---|---|
"""
DONE = {
    Effect.NAME_AN_EVSE: "a remote start always names an EVSE, the one where a cable waits if there is one",
    Effect.NO_STATION_MAX_PROFILE: "a limit for the station becomes the default profile of its only EVSE",
    Effect.REGISTER_UNIT_DOUBTFUL: "sessions that no meter signed are quarantined: `register_unit_doubtful`",
}


def page() -> str:
    """Return the page."""
    lines = []
    for quirk in QUIRKS:
        cells = (quirk.vendor, quirk.model, quirk.firmware)
        told = " | ".join(f"`{cell}`".replace("|", r"\|") for cell in cells)
        lines.append(f"| {told} | {quirk.why} | {DONE[quirk.effect]} | <{quirk.source}> |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else f"{PAGE.name} is out of date: run tools/make_quirks.py")
    PAGE.write_text(page())
