"""`wattseal verify`: check bundles and signed meter records on a machine with no network."""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from platformdirs import user_config_dir

from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.bundle.files import FileReport, check_file
from wattseal.bundle.format import MAX_BUNDLE_BYTES
from wattseal.bundle.report import Outcome, RecordReport, Report, StepResult
from wattseal.bundle.trust import Trust
from wattseal.cli.identified_line import identified_line
from wattseal.cli.price_lines import total_line
from wattseal.crypto.curves import key_bytes
from wattseal.model.verdict import Verdict

app = App(name="verify", help="Check bundles and signed meter records offline.")

EXIT_CODES = {Outcome.VALID: 0, Outcome.INVALID: 1, Outcome.INCOMPLETE: 2, Outcome.UNREADABLE: 3}
_WORST_FIRST = (Outcome.INVALID, Outcome.UNREADABLE, Outcome.INCOMPLETE)


@app.default
def verify(
    paths: Annotated[list[Path], Parameter(name="PATH", help="bundle (.wsb), OCMF text or XML transparency file")],
    *,
    trust: Annotated[
        Path | None, Parameter(help="trust file; default: trust.json in your configuration folder")
    ] = None,
    public_key: Annotated[
        str | None, Parameter(help="enrolled meter key for foreign records: hex, base64, PEM, or a file of one")
    ] = None,
    json_output: Annotated[bool, Parameter(name="--json", negative="", help="print a JSON array")] = False,
) -> int:
    """Check each PATH offline and say VALID with its grade, INVALID with step and field, or what is missing.

    Exit code: 1 if anything is invalid, else 3 if anything is unreadable, else 2 if anything is incomplete or its key
    unknown, else 0. No network, no database.
    """
    believed = load_trust(trust)
    key = None if public_key is None else _key(public_key)
    reports = [(path, _check(path, believed, key)) for path in paths]
    if json_output:
        json.dump([{"path": str(p)} | r.to_json() for p, r in reports], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        for path, report in reports:
            print("\n".join(describe(str(path), report)))
    outcomes = {report.report.verdict for _, report in reports}
    return next((EXIT_CODES[o] for o in _WORST_FIRST if o in outcomes), 0)


def load_trust(path: Path | None) -> Trust | None:
    """Read the trust file named, or the default one if it exists; a broken one is an `InputError`."""
    chosen = path or Path(user_config_dir("wattseal")) / "trust.json"
    if path is None and not chosen.exists():
        return None
    try:
        return Trust.parse(chosen.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read the trust file {chosen}: {error.strerror}", subject=str(chosen)) from error


def _key(text: str) -> bytes:
    path = Path(text)
    if len(text) < 256 and path.is_file():
        raw = path.read_bytes()
        if raw[:1] == b"\x30":
            return raw
        text = raw.decode("ascii", "replace")
    return key_bytes(text)


def _check(path: Path, trust: Trust | None, key: bytes | None) -> FileReport:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BUNDLE_BYTES + 1)
    except OSError as error:
        return FileReport(Report(Outcome.UNREADABLE, ()), problem=error.strerror or "cannot be read")
    return check_file(data, trust, key)


def describe(path: str, found: FileReport) -> Sequence[str]:
    """Return the lines people read."""
    report = found.report
    source = f" ({report.source.value})" if report.source else ""
    grade = f" {report.grade.name}{source}" if report.grade is not None else ""
    energy = f", {report.energy_wh.normalize():f} Wh" if report.energy_wh is not None else ""
    lines = [f"{path}: {report.verdict.value}{grade}{energy}"]
    if report.price is not None:
        lines.append(f"  price recomputed: {total_line(report.price)}")
    if report.identification is not None:
        lines.append(f"  {identified_line(report.identification)}")
    if found.problem:
        lines.append(f"  {shown(found.problem)}")
    failure = report.failure
    if failure is not None:
        word = "failed" if failure.result is StepResult.FAILED else "lacks"
        where = " ".join(shown(part) for part in (failure.field, failure.record) if part)
        lines.append(f"  step {failure.number} {word}: {failure.reason} ({where})")
        if failure.reason == "trust":
            lines.append("  next: get the trust file from a party you trust and pass it with --trust FILE")
    if found.key_source == "file":
        lines.append("  the key came with the file: the signature holds or not, but nobody vouches for the meter")
    told = [f"  {_OF_VEHICLES[f.code]}: {shown(f.detail)}" for f in report.findings if f.code in _OF_VEHICLES]
    return [*lines, *told, *_records(report)]


_OF_VEHICLES = {
    "vehicle_confirmed": "confirmed by the vehicle",
    "vehicle_differs": "NOT what the vehicle signed",
    "receipts_disagree": "the vehicle's receipts do not follow each other",
}


def _records(report: Report) -> Iterator[str]:
    """Yield a line for each run of records that say the same and say more than VALID."""
    numbered = [(n, _record_text(r), r.record) for n, r in enumerate(report.records, start=1)]
    for text, run in groupby(numbered, key=lambda entry: entry[1]):
        numbers = list(run)
        if text == Verdict.VALID.value:
            continue
        first, last = numbers[0], numbers[-1]
        name = f"record {first[0]}" if first is last else f"records {first[0]} to {last[0]}"
        place = f" ({shown(first[2])})" if first[2] and first is last else ""
        yield f"  {name}{place} {text}"


def _record_text(record: RecordReport) -> str:
    codes = ", ".join(dict.fromkeys(f.code for f in record.findings))
    reason = f" {record.reason}" if record.reason and record.verdict is not Verdict.VALID else ""
    return f"{record.verdict.value}{reason}" + (f": {codes}" if codes else "")
