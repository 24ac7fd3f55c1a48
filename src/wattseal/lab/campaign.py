"""A campaign: attacks and their controls, spread over worker processes, with what came of each."""

import asyncio
import contextlib
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wattseal.lab.attack import Attack, Ground, Outcome
from wattseal.lab.catalogue import NOT_MET, catalogue
from wattseal.lab.compare.measure import Compared
from wattseal.lab.threats import THREATS

GRACE_S = 45
"""What a worker gets on top of an attack's own bound before it is ended: the shared world has to start as well."""
MAX_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to: a `Found` as JSON, or `trouble` where it broke."""

    found: dict[str, Any] | None
    trouble: str | None
    took_s: float

    @property
    def outcome(self) -> Outcome | None:
        """Its outcome, None where it broke."""
        return None if self.found is None else Outcome(self.found["outcome"])


@dataclass(frozen=True, slots=True)
class Result:
    """An attack and its control."""

    name: str
    attack: Attack
    run: Run
    control: Run

    @property
    def as_expected(self) -> bool:
        """Whether the attack came to what it must."""
        return self.run.outcome is self.attack.expected

    @property
    def control_held(self) -> bool:
        """Whether the attack succeeds without the defence."""
        return self.control.outcome is Outcome.MISSED

    @property
    def ok(self) -> bool:
        """Whether both held."""
        return self.as_expected and self.control_held


@dataclass(slots=True)
class _Queues:
    """What is to be played: what needs the shared world goes to the one worker that has it."""

    shared: deque[str]
    others: deque[str]

    def next(self, worker: int) -> str | None:
        if worker == 0 and self.shared:
            return self.shared.popleft()
        return self.others.popleft() if self.others else None


Tell = Callable[[Result], None]


async def campaign(names: Sequence[str], root: Path, seed: int, jobs: int, tell: Tell) -> list[Result]:
    """Play attacks and controls under `root`, on `jobs` workers; `tell` hears of each as it ends."""
    known = catalogue()
    slow_first = sorted(names, key=lambda name: -known[name].within_s)
    shared = deque(name for name in slow_first if known[name].ground is Ground.LIVING)
    queues = _Queues(shared, deque(name for name in slow_first if known[name].ground is not Ground.LIVING))
    results: list[Result] = []

    def ended(result: Result) -> None:
        results.append(result)
        tell(result)

    async with asyncio.TaskGroup() as workers:
        for number in range(jobs):
            workers.create_task(_Worker(number, root, seed).work(queues, ended))
    return sorted(results, key=lambda each: (each.attack.line, each.name))


class _Worker:
    """One worker process and the conversation with it: a task a line in, a result a line out."""

    def __init__(self, number: int, root: Path, seed: int) -> None:
        self._number = number
        self._root = root / f"worker-{number}"
        self._seed = seed
        self._process: Process | None = None
        self._starts = 0

    async def work(self, queues: _Queues, ended: Tell) -> None:
        """Play what comes until there is no more."""
        try:
            while (name := queues.next(self._number)) is not None:
                attack = catalogue()[name]
                run = await self._play(name, attack, "perform")
                control = await self._play(name, attack, "control")
                ended(Result(name, attack, run, control))
        finally:
            await self._end()

    async def _play(self, name: str, attack: Attack, part: str) -> Run:
        began = time.monotonic()
        process = self._process or await self._start()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("a worker has pipes")
        process.stdin.write(json.dumps({"name": name, "part": part}).encode() + b"\n")
        try:
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), attack.within_s + GRACE_S)
        except (TimeoutError, ConnectionError) as error:
            line = b""
            trouble = "it did not end in time" if isinstance(error, TimeoutError) else "its process went away"
        else:
            trouble = "its process went away"
        took_s = round(time.monotonic() - began, 3)
        if not line:
            await self._end(kill=True)
            return Run(None, trouble, took_s)
        told = json.loads(line)
        return Run(told["found"], told["trouble"], told["took_s"])

    async def _start(self) -> Process:
        self._starts += 1
        root = self._root / str(self._starts)
        root.mkdir(parents=True)
        with (root / "worker.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "wattseal.lab.worker", str(root), str(self._seed),
                stdin=PIPE, stdout=PIPE, stderr=log, limit=MAX_LINE,
            )  # fmt: skip
        return self._process

    async def _end(self, *, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        if kill:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def as_json(results: Sequence[Result], comparison: Sequence[Compared] = ()) -> dict[str, Any]:
    """Return the campaign as a JSON object: every attack, every threat not met, the comparison, whether all held."""
    played = {each.attack.line for each in results}
    told = [_result_json(each) for each in results]
    told += [_not_met_json(line, why) for line, why in NOT_MET.items() if line not in played]
    compared = [asdict(each) for each in comparison]
    return {"attacks": told, "comparison": compared, "ok": all(each.ok for each in results)}


def _result_json(result: Result) -> dict[str, Any]:
    run, control, attack = result.run, result.control, result.attack
    found = run.found or {}
    words = {name: getattr(attack, name) for name in ("title", "steps", "defence", "without", "residual")}
    return {
        "name": result.name,
        "line": attack.line,
        "class": attack.threat.family.value,
        "adversary": attack.threat.adversary.value,
        "outcome": (run.outcome or Outcome.MISSED).value,
        "expected": attack.expected.value,
        "seconds": found.get("seconds"),
        "records": found.get("records"),
        "evidence": found.get("evidence") or run.trouble or "",
        "negative_control": "held" if result.control_held else "failed",
        "control_evidence": (control.found or {}).get("evidence") or control.trouble or "",
        "figures": found.get("figures", []),
        "series": [*found.get("series", []), *_without(control)],
        "took_s": round(run.took_s + control.took_s, 3),
        **words,
    }


def _without(control: Run) -> list[dict[str, Any]]:
    """Return a control's series, named as what they are."""
    drawn = [] if control.found is None else control.found.get("series", [])
    return [series | {"name": f"{series['name']}, without the defence"} for series in drawn]


def _not_met_json(line: str, why: str) -> dict[str, Any]:
    threat = THREATS[line]
    return {
        "name": "",
        "line": line,
        "class": threat.family.value,
        "adversary": threat.adversary.value,
        "outcome": Outcome.NOT_MET.value,
        "seconds": None,
        "evidence": why,
        "negative_control": None,
        "title": threat.title,
    }
