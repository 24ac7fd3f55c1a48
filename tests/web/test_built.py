import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.interop.npm import node
from tests.support.doc_tree import ROOT
from tests.web.project import built, project

BUILT = ROOT / "src/wattseal/serve/web/static/built"


@pytest.fixture(scope="module")
def folder(pytestconfig: pytest.Config) -> Path:
    return project(pytestconfig)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    return node(folder, "node_modules/typescript/bin/tsc", "--noEmit")


def test_the_scripts_pass_the_strict_type_check(folder: Path) -> None:
    ran = check(folder)
    assert ran.returncode == 0, ran.stdout
    careless = folder / "src" / "careless.ts"
    careless.write_text("export const first = (values: string[]): string => values[0];\n")
    ran = check(folder)
    careless.unlink()
    assert ran.returncode != 0
    assert "careless.ts" in ran.stdout


def test_what_is_committed_is_what_the_sources_build(folder: Path, tmp_path: Path) -> None:
    built(folder, "--out", tmp_path)
    fresh, committed = contents(tmp_path), contents(BUILT)
    assert fresh.keys() == committed.keys()
    stale = [name for name in fresh if fresh[name] != committed[name]]
    assert not stale, "run 'make web' and commit what it builds"


def test_the_licence_of_each_bundled_package_is_beside_the_scripts() -> None:
    text = (BUILT / "LICENSES.txt").read_text()
    assert "htmx.org 2.0.11 (0BSD)" in text
    assert "Permission to use, copy, modify" in text


def test_htmx_is_told_to_evaluate_nothing_and_to_keep_nothing() -> None:
    text = (BUILT / "site.js").read_text()
    for setting in ("allowEval=!1", "includeIndicatorStyles=!1", "historyCacheSize=0"):
        assert setting in text


def test_a_wheel_brings_the_scripts_along(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own interpreter
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert {f"wattseal/serve/web/static/built/{name}" for name in contents(BUILT)} <= names
