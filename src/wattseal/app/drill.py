"""A key-compromise drill: what is done when the CSMS's signing key was stolen, on copies, with timings.

Nothing of the originals changes: the keys and the registry are copied, the copies are worked on and go in the end.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wattseal.app.system import SystemRandom
from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.trust import Trust
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.flow.ports import Clock
from wattseal.parties.registry import Enrolments
from wattseal.seal.item import Kind
from wattseal.seal.registry import Entry, entry_from
from wattseal.seal.signed import Statement
from wattseal.stores.keyfiles import KeyFiles
from wattseal.stores.registry_home import RegistryHome, read_file

KEY = "csms-sign.pem"
REVOKED = "key_revoked_before_witnessed"


@dataclass(frozen=True, slots=True)
class Told:
    """A step that was taken, what came of it, how long it took, and whether that is as it should be."""

    step: str
    result: str
    seconds: float
    held: bool


@dataclass(slots=True)
class Drill:
    """One drill: the copies, the bundles, and what was told so far."""

    home: RegistryHome
    keys: KeyFiles
    trust: Trust
    bundles: Sequence[bytes]
    told: list[Told] = field(default_factory=list)

    def step(self, name: str, work: Callable[[], tuple[str, bool]]) -> None:
        """Take a step and time it."""
        began = time.monotonic()
        result, held = work()
        self.told.append(Told(name, result, time.monotonic() - began, held))


def drill(data: Path, registry: Path, trust: Path, bundles: Sequence[Path], clock: Clock) -> Iterator[Told]:
    """Play it; `InputError` or `ConfigError` where something it needs is not there, or the key is not enrolled."""
    with tempfile.TemporaryDirectory(prefix="wattseal-drill-") as folder:
        copy = Path(folder)
        shutil.copytree(data / "keys", copy / "keys")
        shutil.copytree(registry, copy / "registry")
        shown = [read_file(path, 64 * 1024 * 1024) for path in bundles]
        made = Drill(RegistryHome(copy / "registry"), KeyFiles(copy / "keys"), Trust.parse(read_file(trust)), shown)
        _play(made, int(clock.now().timestamp() * 1000))
        yield from made.told


def _play(made: Drill, now_ms: int) -> None:
    stolen = SigningKey.from_pem(made.keys.read(KEY))
    fresh = SigningKey.from_seed(Algorithm.ED25519, SystemRandom().bytes(32))
    before = _known(made.home.open(), stolen)
    good = [check_bundle(bundle, made.trust).verdict for bundle in made.bundles]
    made.step("bundles are checked before anything", lambda: (_counted(good), all(o is Outcome.VALID for o in good)))
    made.step("the stolen key is revoked in the registry", lambda: _revoke(made, stolen, now_ms))
    made.step("a new key is made and enrolled", lambda: _rotate(made, before, fresh, now_ms))
    made.step("partners take the new trust file over", lambda: _take_over(made, stolen, fresh, now_ms))
    made.step("bundles from before are checked again", lambda: _still_good(made, good))
    made.step("records of the stolen key witnessed after its revocation", lambda: _refused(made, stolen))


def _known(enrolments: Enrolments, key: SigningKey) -> Entry:
    kid = key.public.kid
    found = [entry for entry in map(entry_from, enrolments.issued) if entry.kid == kid]
    if not found:
        text = "this registry has not enrolled the CSMS's key; give the registry that partners believe"
        raise InputError(text, code="unknown_key", subject=kid.hex())
    return max(found, key=lambda entry: entry.version)


def _revoke(made: Drill, stolen: SigningKey, now_ms: int) -> tuple[str, bool]:
    statement, _ = made.home.open().revoke(stolen.public.kid, now_ms)
    made.home.keep(statement)
    return f"{stolen.public.kid.hex()}, version {entry_from(statement).version}", True


def _rotate(made: Drill, before: Entry, fresh: SigningKey, now_ms: int) -> tuple[str, bool]:
    successor = replace(before, spki=fresh.public.spki, from_ms=now_ms, revoked_ms=None, handover=None, consents=())
    statement, _ = made.home.open().issue(successor)
    made.home.keep(statement)
    (made.keys.directory / KEY).unlink()
    made.keys.create(KEY, fresh.to_pem())
    return f"{fresh.public.kid.hex()}, version {entry_from(statement).version}", True


def _take_over(made: Drill, stolen: SigningKey, fresh: SigningKey, now_ms: int) -> tuple[str, bool]:
    issued: tuple[Statement, ...] = made.home.open().issued
    made.trust = Trust.parse(replace(made.trust, entries=(*made.trust.entries, *issued)).to_json())
    registry = made.trust.registry()
    old = registry.by_kid(stolen.public.kid)
    revoked = old is not None and old.revoked_ms is not None
    origin = "" if old is None else old.origin.replace("*", "any")
    signer = registry.signer(fresh.public.kid, origin, Kind.STARTED, now_ms)
    entitled = isinstance(signer, Entry)
    text = f"old key {'revoked' if revoked else 'NOT revoked'}, new key {'may sign' if entitled else 'may NOT sign'}"
    return text, revoked and entitled


def _still_good(made: Drill, good: Sequence[Outcome]) -> tuple[str, bool]:
    again = [check_bundle(bundle, made.trust).verdict for bundle in made.bundles]
    return _counted(again), list(good) == again


def _refused(made: Drill, stolen: SigningKey) -> tuple[str, bool]:
    """Show what a record of that key meets that was witnessed after: the same bundles under an earlier revocation."""
    statement, _ = made.home.open().revoke(stolen.public.kid, 1)
    earlier = replace(made.trust, entries=(*made.trust.entries, statement))
    reports = [check_bundle(bundle, earlier) for bundle in made.bundles]
    refused = sum(_reason(report) == REVOKED for report in reports)
    others = len(reports) - refused
    text = f"{refused} refused ({REVOKED}); {others} do not rest on this key"
    return text, refused > 0 and all(_reason(r) == REVOKED or r.verdict is Outcome.VALID for r in reports)


def _reason(report: Report) -> str:
    return "" if report.failure is None else report.failure.reason


def _counted(outcomes: Sequence[Outcome]) -> str:
    valid = sum(outcome is Outcome.VALID for outcome in outcomes)
    return f"{valid} of {len(outcomes)} VALID"
