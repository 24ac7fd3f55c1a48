"""T71: an index hands out another package than the one that was locked, under the same name and version."""

import asyncio
import base64
import hashlib
import sys
import zipfile
from pathlib import Path

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab

LOCKED = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
"""What `make install` hands to pip."""
LOOSE = ("--no-deps", "--only-binary", ":all:")
NAME, WHEEL = "parcel", "parcel-1.0-py3-none-any.whl"
GOOD, POISON = "VALUE = 1\n", "VALUE = 'poisoned'\n"


async def _perform(lab: Lab) -> Found:
    return await _install(lab, LOCKED)


async def _control(lab: Lab) -> Found:
    return await _install(lab, LOOSE)


async def _install(lab: Lab, options: tuple[str, ...]) -> Found:
    index = lab.fresh("index")
    good = _wheel(index / "good", GOOD)
    locked = hashlib.sha256(good.read_bytes()).hexdigest()
    requirement = f"{NAME}==1.0"
    if options is LOCKED:
        requirement += f" --hash=sha256:{locked}"
    code, _, site = await _pip(lab, index / "good", requirement, options)
    if code or not (site / f"{NAME}.py").exists():
        raise LabError("the locked package itself is not installed", subject=requirement)
    poisons = {
        "another file under its name": _wheel(index / "other", POISON),
        "the file with a line more": _wheel(index / "longer", GOOD + POISON),
        "a newer build of the same version": _wheel(index / "build", POISON, build="-9"),
    }
    said: dict[str, str] = {}
    installed = []
    for name, wheel in poisons.items():
        code, words, site = await _pip(lab, wheel.parent, requirement, options)
        module = site / f"{NAME}.py"
        if code == 0 or (module.exists() and "poisoned" in module.read_text()):
            installed.append(name)
        said[name] = next(
            (line for line in words.splitlines() if "MATCH" in line or "hash" in line.lower()), words[:80]
        )
    if installed:
        return Found(Outcome.MISSED, f"installed: {', '.join(installed)}")
    text = f"pip refuses all {len(poisons)}: {next(iter(said.values())).strip()[:160]}"
    return Found(Outcome.PREVENTED, text, figures=(Figure("poisoned packages", len(poisons), "files"),))


def _wheel(folder: Path, body: str, build: str = "") -> Path:
    folder.mkdir(parents=True)
    path = folder / WHEEL.replace("-1.0-", f"-1.0{build}-")
    files = {
        f"{NAME}.py": body,
        f"{NAME}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
        f"{NAME}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: lab\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{NAME}-1.0.dist-info/RECORD"
    lines = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, record: "\n".join([*lines, f"{record},,"]) + "\n"}.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


async def _pip(lab: Lab, index: Path, requirement: str, options: tuple[str, ...]) -> tuple[int, str, Path]:
    """Install from a folder, without a network; return pip's exit code, its words and where it installed."""
    site, lock = lab.fresh("site"), lab.fresh("lock.txt")
    _write(lock, requirement)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet", "--no-index",
        "--find-links", str(index), "--target", str(site), *options, "-r", str(lock),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    words, _ = await process.communicate()
    return process.returncode or 0, words.decode(errors="replace"), site


def _write(file: Path, text: str) -> None:
    file.write_text(text + "\n")


ATTACK = Attack(
    line="T71",
    title="the index hands out another package under the locked name and version",
    steps=(
        "lock a package by the hash of its file, as requirements/*.txt do, and install it with the Makefile's options",
        "put another file in its place: other content, a line more, a newer build of the same version",
        "install again from the same lock, into an empty folder",
    ),
    defence="every file is named by its hash, nothing is built, and nothing is resolved when installing",
    without="the lock names versions without hashes",
    residual="a package that was poisoned before it was locked is installed as locked",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
