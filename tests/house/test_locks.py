import base64
import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from tests.support.doc_tree import ROOT

LOCKS = ("run", "dev", "build", "localstripe", "iso15118")


def locked(name: str) -> dict[str, str]:
    """Return name -> version and marker of every requirement; a line without a hash fails."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.findall(
        r"^([\w.-]+)==([^\n]*?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
    )
    assert len(entries) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    return {name: version for name, version, _ in entries}


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_exact_and_hashed_and_the_file_names_no_place(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert locked(name)
    assert not re.search(r"https?:|file:|^-|^/", text, re.MULTILINE)


def test_what_runs_and_what_builds_is_the_same_when_developing() -> None:
    dev = locked("dev")
    for name in ("run", "build"):
        for package, version in locked(name).items():
            assert dev[package].split(" ")[0] == version.split(" ")[0], package


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "run": project["project"]["dependencies"],
        "dev": project["dependency-groups"]["dev"],
        "build": project["dependency-groups"]["build"],
        "iso15118": project["dependency-groups"]["iso15118"],
    }
    assert project["build-system"]["requires"] == wanted["build"]
    for name, requirements in wanted.items():
        names = {re.split(r"[\[<>=~; ]", r)[0].lower().replace("_", "-") for r in requirements}
        assert names <= set(locked(name)), names - set(locked(name))


def wheel(folder: Path, body: str) -> Path:
    path = folder / "parcel-1.0-py3-none-any.whl"
    meta = {
        "parcel.py": body,
        "parcel-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n",
        "parcel-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{n},sha256={_digest(text)},{len(text)}" for n, text in meta.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in meta.items():
            archive.writestr(zipfile.ZipInfo(name), text)
        record = zipfile.ZipInfo("parcel-1.0.dist-info/RECORD")
        archive.writestr(record, "\n".join([*lines, "parcel-1.0.dist-info/RECORD,,"]) + "\n")
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def install(folder: Path, requirement: str, *options: str) -> subprocess.CompletedProcess[str]:
    lock = folder / "lock.txt"
    lock.write_text(requirement + "\n")
    target = folder / f"site-{len(list(folder.iterdir()))}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "install",
        "--quiet",
        "--no-index",
        "--find-links",
        str(folder),
    ]
    command += ["--no-deps", "--only-binary", ":all:", "--target", str(target), *options, "-r", str(lock)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter


def test_a_poisoned_dependency_does_not_install(tmp_path: Path) -> None:
    good = hashlib.sha256(wheel(tmp_path, "kind = 'good'\n").read_bytes()).hexdigest()
    requirement = f"parcel==1.0 --hash=sha256:{good}"
    assert install(tmp_path, requirement, "--require-hashes").returncode == 0
    wheel(tmp_path, "kind = 'evil'\n")
    refused = install(tmp_path, requirement, "--require-hashes")
    assert refused.returncode != 0
    assert "HASHES" in refused.stderr
    assert install(tmp_path, "parcel==1.0").returncode == 0  # the control: by name and version alone it goes in


def test_make_installs_by_hash_only() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = [line for line in makefile.splitlines() if "pip install" in line]
    assert len(installs) == 3
    assert all("--require-hashes" in installs[n] for n in (0, 2))
    assert "--no-build-isolation --no-deps --editable ." in installs[1]
