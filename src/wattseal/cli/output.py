"""What commands print: results for people or, with `--json`, for programs."""

from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

JsonOutput = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]


def json_line(value: Any) -> str:
    """Return `value` as one line of JSON: Decimals as strings, instants in ISO 8601, bytes in base64."""
    return msgspec.json.encode(value).decode()


def json_text(value: Any) -> str:
    """Return `value` as indented JSON for a person's eyes and a program's parser."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
