"""`wattseal bundle`: look into a bundle."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.bundle.report import STEP_NAMES, Report, StepResult
from wattseal.cli.price_lines import total_line, trace_lines
from wattseal.cli.verify import EXIT_CODES, load_trust
from wattseal.log.proof import TlogProof
from wattseal.seal.fields import Decision, Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import entry_from

app = App(name="bundle", help="Look into a bundle.")

_MARKS = {
    StepResult.OK: "ok",
    StepResult.FAILED: "FAILED",
    StepResult.INCOMPLETE: "lacking",
    StepResult.NOT_APPLICABLE: "-",
    StepResult.NOT_REACHED: "not reached",
}


@app.command
def show(
    file: Annotated[Path, Parameter(help="a bundle (.wsb)")],
    *,
    trust: Annotated[
        Path | None, Parameter(help="trust file; default: trust.json in your configuration folder")
    ] = None,
) -> int:
    """Print a bundle for people: what was measured, signed by whom, readable by whom, proved how.

    Exit code as `wattseal verify`.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}", subject=str(file)) from error
    report = check_bundle(data, load_trust(trust))
    try:
        bundle = parse_bundle(data)
    except InputError as error:
        print(f"{file}: {report.verdict.value}: {error}")
        return EXIT_CODES[report.verdict]
    for line in lines(bundle, report):
        print(line)
    return EXIT_CODES[report.verdict]


def lines(bundle: Bundle, report: Report) -> Iterator[str]:
    """Yield the description line by line."""
    source = f", signed at the {report.source.value}" if report.source else ""
    grade = f" at {report.grade.name}{source}" if report.grade is not None else ""
    yield f"{report.verdict.value}{grade}"
    yield from _measured(bundle, report)
    yield from _priced(bundle, report)
    yield from _signed(bundle, report)
    yield from _identified(bundle)
    yield from _readable(bundle)
    yield from _proved(bundle)
    yield "Checked"
    for step in report.steps:
        why = f": {step.reason} ({shown(' '.join(p for p in (step.field, step.record) if p))})" if step.reason else ""
        yield f"  {step.number:2} {STEP_NAMES[step.number]:24} {_MARKS[step.result]}{why}"
    for finding in dict.fromkeys(report.findings):
        yield f"  note: {finding.code} {shown(finding.detail)}".rstrip()


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _measured(bundle: Bundle, report: Report) -> Iterator[str]:
    first = bundle.items[0].payload
    yield f"Measured at {shown(first.origin)}, EVSE {first.stream}"
    contents = {(o.payload_hash, o.gid): o.content for o in bundle.openings}
    for item in bundle.items:
        content = contents.get((item.hash, Group.METER))
        if content is None or item.payload.kind not in {Kind.STARTED, Kind.READING, Kind.ENDED}:
            continue
        meter = Meter.read(Content.decode(content).fields)
        signed = f", with {' and '.join(shown(f) for f, _ in meter.evidence)} evidence" if meter.evidence else ""
        yield f"  {_time(item.payload.ms)}  {_kind(item):8} {meter.register_wh:f} Wh{signed}"
    if report.energy_wh is not None:
        yield f"  energy: {report.energy_wh:f} Wh"


def _priced(bundle: Bundle, report: Report) -> Iterator[str]:
    """Yield how the price follows from what was measured, and what is asked for where it does not."""
    if report.price is None:
        return
    yield f"Priced by tariff {shown(report.price.tariff)}, recomputed here"
    for line in trace_lines(report.price):
        yield f"  {line}"
    yield f"  total: {total_line(report.price)}"
    if bundle.cdr is not None:
        asked = CdrSummary.read(bundle.cdr)
        yield f"  asked: {asked.total_excl_vat:f} {shown(asked.currency)}, {asked.total_incl_vat:f} with tax"


def _kind(item: Item) -> str:
    try:
        return Kind(item.payload.kind).name.lower()
    except ValueError:
        return f"kind {item.payload.kind}"


def _signed(bundle: Bundle, report: Report) -> Iterator[str]:
    yield "Signed by"
    signers: dict[str, int] = {}
    for record in report.records:
        name = record.signer or ("unsigned link, covered by the next signature" if record.kind == "reading" else "")
        if name:
            signers[name] = signers.get(name, 0) + 1
    for name, count in signers.items():
        yield f"  {shown(name)}: {count} record{'s' if count != 1 else ''}"
    for statement in bundle.entries:
        entry = entry_from(statement)
        if entry.custodian != entry.party:
            yield f"  key {entry.kid.hex()} of {shown(entry.party)} is in the custody of {shown(entry.custodian)}"


def _identified(bundle: Bundle) -> Iterator[str]:
    """Yield how sure it is who charged, in the word of whoever decided, where more was shown than a number."""
    refs = {ref for item in bundle.items if item.payload.kind == Kind.STARTED for ref in item.payload.refs}
    for item in bundle.others:
        if item.payload.kind != Kind.DECISION or item.hash not in refs:
            continue
        try:
            told = Decision.read(item.payload.public).identified
        except InputError:
            continue
        if told is not None:
            yield f"Identified by what was shown, in the word of {shown(item.payload.origin)}"
            yield f"  {shown(told[0])}, SHA-256 {told[1].hex()}"


def _readable(bundle: Bundle) -> Iterator[str]:
    yield "Readable by"
    readers: dict[str, set[str]] = {}
    for opening in bundle.openings:
        name = Group(opening.gid).name.lower() if opening.gid in set(Group) else f"group {opening.gid}"
        readers.setdefault(name, set()).update(Content.decode(opening.content).readers or ("whoever holds the record",))
    for name, who in readers.items():
        yield f"  {name}: {', '.join(shown(w) for w in sorted(who))}; opened in this bundle"
    closed = {g for i in bundle.items for g in i.payload.groups} - {o.gid for o in bundle.openings}
    for gid in sorted(closed):
        yield f"  {Group(gid).name.lower()}: sealed, not opened here"


def _proved(bundle: Bundle) -> Iterator[str]:
    yield "Proved by"
    if not bundle.proofs:
        yield "  no log proof yet"
        return
    proof = TlogProof.parse(bundle.proofs[-1])
    at = proof.checkpoint.checkpoint
    yield f"  log {shown(at.origin)} at size {at.size}, record at index {proof.index}"
    for signature in proof.checkpoint.note.signatures:
        if signature.name != at.origin:
            yield f"  cosigned by {shown(signature.name)}"
    if bundle.receipts:
        yield f"  {len(bundle.receipts)} signed receipt{'s' if len(bundle.receipts) != 1 else ''} of the operator"
