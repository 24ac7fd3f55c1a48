import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.doc_tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~; ]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


RUN = names(PROJECT["project"]["dependencies"])
DEV = RUN | names(PROJECT["dependency-groups"]["dev"])


OPTIONAL = {name for group in PROJECT["project"]["optional-dependencies"].values() for name in names(group)}
"""What is used where it is installed, and done without elsewhere."""
APART = names(PROJECT["dependency-groups"]["iso15118"])
"""What a script under tests imports in an environment of its own."""


READ = {"tzdata"}
"""What the standard library reads by itself: `zoneinfo` where the system has no time zones."""


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names)


def undeclared(folder: str, declared: set[str], own: set[str]) -> set[str]:
    distributions = packages_distributions()
    used = {name for path in (ROOT / folder).rglob("*.py") for name in imported(path)} - own
    return {n for n in used if not {d.lower().replace("_", "-") for d in distributions.get(n, [n])} & declared}


def test_what_runs_imports_only_what_the_project_declares() -> None:
    assert undeclared("src", RUN | OPTIONAL, {"wattseal"}) == set()


def test_tests_benchmarks_and_tools_import_only_what_developers_install() -> None:
    own = {"wattseal", "tests", "bench", "tools"}
    for folder in ("tests", "bench", "tools"):
        assert undeclared(folder, DEV | APART, own) == set(), folder


def test_every_declared_dependency_is_imported() -> None:
    distributions = packages_distributions()
    used = {name for path in (ROOT / "src").rglob("*.py") for name in imported(path)}
    provided = {d.lower().replace("_", "-") for name in used for d in distributions.get(name, [])}
    assert provided | READ >= RUN, RUN - provided
