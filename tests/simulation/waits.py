"""The lines of the product at which something waits, and which of them storms have reached: a figure, and a list.

A line is reached where a coroutine was seen waiting there: at it, or in what it called. One that calls what never waits
(what is in memory already) is not reached, though storms run it a thousand times: `UNREACHED` says where that is so.
"""

import ast
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import wattseal

ROOT = Path(wattseal.__file__).parent
UNREACHED = Path(__file__).parent / "unreached.toml"
"""By file, or file and function, why storms do not wait there."""
PLAYED = ("flow/", "app/log_keeper.py")
"""What storms run: the core, and the keeper of the log. What has sockets is played by other means."""
_WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith)


@dataclass(frozen=True, slots=True)
class Wait:
    """One of them: `last` is its last line, `function` the innermost that it stands in."""

    file: str
    line: int
    last: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@cache
def waits() -> tuple[Wait, ...]:
    """Return all there are in what storms run, in order."""
    files = (path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("*.py")))
    return tuple(wait for file in files if file.startswith(PLAYED) for wait in _in_file(file))


def _in_file(file: str) -> list[Wait]:
    found = {wait.line: wait for wait in _within(ast.parse((ROOT / file).read_text()), file, "")}
    return [found[line] for line in sorted(found)]


def _within(node: ast.AST, file: str, function: str) -> Iterator[Wait]:
    for child in ast.iter_child_nodes(node):
        inner = f"{function}.{child.name}".lstrip(".") if isinstance(child, _NAMED) else function
        if isinstance(child, _WAITS):
            last = child.iter.end_lineno if isinstance(child, ast.AsyncFor) else None
            yield Wait(file, child.lineno, last or _last(child), function)
        elif isinstance(child, ast.comprehension) and child.is_async:
            yield Wait(file, child.iter.lineno, _last(child.iter), function)
        yield from _within(child, file, inner)


_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _last(node: ast.expr | ast.stmt) -> int:
    if isinstance(node, ast.AsyncWith):
        return node.items[-1].context_expr.end_lineno or node.lineno
    return node.end_lineno or node.lineno


def place_in(lines: Iterable[str]) -> set[Wait]:
    """Return those that lines of the product, as `file:line`, are within."""
    by_file: dict[str, list[Wait]] = {}
    for wait in waits():
        by_file.setdefault(wait.file, []).append(wait)
    found = set()
    for line in lines:
        file, _, number = line.rpartition(":")
        within = [wait for wait in by_file.get(file, ()) if wait.line <= int(number) <= wait.last]
        found |= {min(within, key=lambda wait: wait.last - wait.line)} if within else set()
    return found


def reasons() -> dict[str, str]:
    """Return why storms do not reach what they do not, by `file` or `file:function`."""
    found: dict[str, str] = tomllib.loads(UNREACHED.read_text())
    return found


def reason_of(wait: Wait, known: dict[str, str]) -> str | None:
    """Return why storms do not wait there: said of the function, of what is around it, or of the file."""
    name = wait.function
    while name:
        if (said := known.get(f"{wait.file}:{name}")) is not None:
            return said
        name = name.rpartition(".")[0]
    return known.get(wait.file)


def lines_of(ways: Iterable[str]) -> set[Wait]:
    """Return the waiting lines that ways lead through."""
    return place_in(line for way in ways for line in way.split(" > "))


def figures(ways: Iterable[str], died: Iterable[str]) -> dict[str, object]:
    """Return how many of them were reached, and those that were not, each with its reason."""
    reached, known = lines_of(ways), reasons()
    left = [wait for wait in waits() if wait not in reached]
    return {
        "waiting_lines": len(waits()),
        "reached": len(reached),
        "died_at": len(lines_of(died)),
        "never_reached": {f"{wait} {wait.function}": reason_of(wait, known) for wait in left},
    }


def tell(ways: Iterable[str], died: Iterable[str], *, listed: bool) -> None:
    """Print what of them was reached on these ways; with `listed` also what was not."""
    reached, deaths = lines_of(ways), lines_of(died)
    everything, known = waits(), reasons()
    left = [wait for wait in everything if wait not in reached]
    unexplained = [wait for wait in left if reason_of(wait, known) is None]
    print(
        f"waited at {len(reached)} and died at {len(deaths)} of the {len(everything)} lines of the core that wait; "
        f"never at {len(left)}, of which {len(unexplained)} have no reason in {UNREACHED.name}"
    )
    if not listed:
        return
    for title, some in (("without a reason", unexplained), ("explained", [w for w in left if w not in unexplained])):
        print(f"never reached, {title}:")
        for place in sorted({f"{wait.file}:{wait.function}" for wait in some}):
            mine = [wait for wait in some if f"{wait.file}:{wait.function}" == place]
            why = reason_of(mine[0], known)
            numbers = ", ".join(str(wait.line) for wait in mine)
            print(f"  {place} {numbers}" + ("" if why is None else f": {why}"))
