"""Write docs/reference/conformance.md from the marks on the tests; `--check` only says whether it is up to date.

A case is covered when a test in tests/conformance is marked with it; such a test fails unless it asserted frames on the
wire. A case that is not stands in tests/conformance/gaps.toml with its reason.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stdout
from io import StringIO
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.conformance.cases import STANDARDS, Case, cases, gaps  # noqa: E402 - the repository is on the path only now
from tests.conformance.plugin import case_ids  # noqa: E402 - same

PAGE = ROOT / "docs/reference/conformance.md"
HEAD = """# Conformance

<!-- Made by `make conformance` out of the marks on the tests; changes by hand are lost. -->

What the standards ask of a CSMS, case by case, and the tests that show it. Each test runs against a whole CSMS over a
real socket, records every frame, holds each frame of the CSMS against the schemas of its OCPP version, and asserts what
was said. Identifiers and obligations are those of the standards, titles are ours.

Need: **M** mandatory, **C** where the feature is supported, **S** recommended, **O** optional. OCPP 2.1 has no list of
test cases in public; tests of 2.0.1 cases run for 2.1 too where the messages are the same.
"""
FOOT = """
## Independent software

Programs of others that run against `wattseal serve` in `tests/interop`, at the versions the lock files name:

| Program | What it does |
|---|---|
| `ocpp` (PyPI) | charges as a station of 1.6, 2.0.1 and 2.1, signed and unsigned, and takes commands |
| `test-ocpp` (PyPI) | connects with the security profiles 0 to 3, 1.6 and 2.0.1 |
| `ocpp-rpc` (npm) | charges in its strict mode, which validates both directions, 1.6, 2.0.1 and 2.1 |
| `ocpp-ws-cli` (npm) | all its checks of transport, RPC, security and chaos, 1.6, 2.0.1 and 2.1 |
| `schemathesis` (PyPI) | every route of the HTTP API by all its checks, logged in, with data |
"""


class Collector:
    """Gathers the marks while pytest collects."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.tests: dict[str, list[str]] = defaultdict(list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the marks of every test; a parametrised test counts once."""
        for item in session.items:
            name = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
            for case_id in case_ids(item):
                if name not in self.tests[case_id]:
                    self.tests[case_id].append(name)


def collect() -> dict[str, list[str]]:
    """Return the tests of each case."""
    collector = Collector()
    words = ["--collect-only", "-qq", "-p", "no:cacheprovider", str(ROOT / "tests/conformance")]
    words += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # this script has imported hypothesis before pytest
    with redirect_stdout(StringIO()) as said:
        code = pytest.main(words, plugins=[collector])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"the conformance tests cannot be collected: {code!r}\n{said.getvalue()}")
    return dict(collector.tests)


def share(found: Iterable[Case], tests: dict[str, list[str]]) -> str:
    """Return how many cases are covered, in words."""
    found = list(found)
    covered = sum(case.id in tests for case in found)
    return f"{covered} of {len(found)} ({100 * covered // len(found)} %)"


def render(tests: dict[str, list[str]]) -> str:
    """Return the page."""
    lines = [HEAD, "| Standard | Covered |", "|---|---|"]
    everything = list(cases().values())
    for standard, title in STANDARDS.items():
        lines.append(f"| {title} | {share((c for c in everything if c.standard == standard), tests)} |")
    lines.append(f"| All | {share(everything, tests)} |")
    for standard, title in STANDARDS.items():
        lines += ["", f"## {title}"]
        mine = [case for case in everything if case.standard == standard]
        for (block, block_title), found in groupby(mine, lambda case: (case.block, case.block_title)):
            lines += ["", f"### {block}: {block_title}" if standard != "ocpp16" else f"### {block_title}", ""]
            lines += ["| Case | Need | What | Tests |", "|---|---|---|---|"]
            lines += [_row(case, tests) for case in found]
    return "\n".join(lines) + "\n" + FOOT


def _row(case: Case, tests: dict[str, list[str]]) -> str:
    need = f"{case.need}: {case.condition}" if case.condition else case.need
    shown = "<br>".join(f"`{name}`" for name in tests.get(case.id, ()))
    return f"| {case.id} | {need} | {case.title} | {shown or 'none: ' + gaps().get(case.id, 'not yet tested')} |"


def main() -> int:
    """Write the page, or with `--check` compare it."""
    page = render(collect())
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == page:
            return 0
        print("docs/reference/conformance.md is not up to date: run `make conformance`")
        return 1
    PAGE.write_text(page)
    print(next(line for line in page.splitlines() if line.startswith("| All")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
