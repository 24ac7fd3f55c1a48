"""Write docs/reference/openapi.json and the table of routes in docs/reference/api.md from the code: `make openapi`.

With `--check` nothing is written: exit code 1 where they differ.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any, cast

from wattseal.serve.api.app import make_api
from wattseal.serve.api.document import document
from wattseal.serve.api.service import Service

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
METHODS = ("get", "post", "put", "patch", "delete")
TABLE = re.compile(r"(?<=\| route \| does \|\n\|---\|---\|\n).*?(?=\n\n|\Z)", re.DOTALL)


def described() -> dict[str, Any]:
    """Return the OpenAPI document."""
    parts = dict.fromkeys(Service.__dataclass_fields__, cast("Any", None))
    return document(make_api(Service(**parts)))


def pages(made: dict[str, Any]) -> dict[Path, str]:
    """Return what the files should hold."""
    text = json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    rows = [
        f"| `{method.upper()} {path}` | {operation['description'].split(chr(10))[0]} |"
        for path, operations in sorted(made["paths"].items())
        for method, operation in sorted(operations.items(), key=lambda pair: pair[0])
        if method in METHODS
    ]
    page = REFERENCE / "api.md"
    table = "\n".join(rows)
    return {REFERENCE / "openapi.json": text, page: TABLE.sub(lambda _: table, page.read_text()).rstrip() + "\n"}


def main(arguments: list[str]) -> int:
    """Write the files, or check them."""
    stale = {path: text for path, text in pages(described()).items() if not path.exists() or path.read_text() != text}
    if "--check" not in arguments:
        for path, text in stale.items():
            path.write_text(text)
    for path in stale:
        print(f"{'stale' if '--check' in arguments else 'written'}: {path.name}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
