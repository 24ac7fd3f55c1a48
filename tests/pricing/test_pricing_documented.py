"""docs/spec/pricing.md names every code the source can say."""

import re
from pathlib import Path

from wattseal.pricing import price as module

DOCS = Path(__file__).parents[2] / "docs" / "spec" / "pricing.md"


def test_every_code_is_documented() -> None:
    source = Path(module.__code__.co_filename).read_text("utf-8")
    codes = set(re.findall(r'f"([a-z_]+):\{where\}"|"([a-z_]+_missing|periods_out_of_order|precision)"', source))
    whys = set(re.findall(r'_line\("([a-z_]+)"', source))
    documented = set(re.findall(r"`([a-z_]+)`", DOCS.read_text("utf-8")))
    named = {code for pair in codes for code in pair if code}
    assert len(named) > 8
    assert named | whys <= documented
