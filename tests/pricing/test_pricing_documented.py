"""docs/spec/pricing.md names every code the source can say, and no other."""

import re
from pathlib import Path

from wattseal import pricing

HERE = Path(pricing.__file__).parent
DOCS = Path(__file__).parents[2] / "docs" / "spec" / "pricing.md"
CODES = re.compile(
    r'f?"([a-z_]+):(?:points\[|elements\[)?\{|append\("([a-z_]+)"\)|Incomplete\(\("([a-z_]+)",'
    r'|(?:return|else) \["([a-z_]+)"\]'
)
WHYS = re.compile(
    r'Line\("([a-z_]+)"|why = "([a-z_]+)"|"((?:only|first|no|dimension)_[a-z_]+)"(?: if| else|$)|\("(m.._price)", t',
    re.MULTILINE,
)
DIMENSIONS = ("energy", "time", "parking_time", "reservation_time")
BY_DIMENSION = {f"{dimension}_{what}" for dimension in DIMENSIONS for what in ("negative", "twice")}
BY_NAME = {"max_price", "min_price", "power_unknown", "current_unknown", "energy_missing", "time_missing"}
RESTRICTIONS = re.compile(r"^\| (`[a-z_`, ]*) \| (?:the|a period|see)", re.MULTILINE)


def test_every_code_is_documented() -> None:
    source = "\n".join(path.read_text("utf-8") for path in sorted(HERE.glob("*.py")))
    said = {code for found in CODES.findall(source) + WHYS.findall(source) for code in found if code}
    table = set(re.findall(r"^\| (`.*?) \|", DOCS.read_text("utf-8"), re.MULTILINE))
    documented = {code for row in table for code in re.findall(r"`([a-z_]+)`", row)}
    names = {name for row in RESTRICTIONS.findall(DOCS.read_text("utf-8")) for name in re.findall(r"`([a-z_]+)`", row)}
    assert said | BY_DIMENSION | BY_NAME <= documented
    assert documented - names <= said | BY_DIMENSION | BY_NAME
