"""`wattseal fsck`: re-prove a CPO's directory."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from wattseal.app.fsck import run_fsck
from wattseal.base.text import shown
from wattseal.cli.output import JsonOutput, json_text

app = App(name="fsck", help="Re-prove a CPO's directory: records, chains, projections, ledger, log, checkpoints.")


@app.default
def fsck(
    *,
    data: Annotated[Path, Parameter(help="The directory of a stopped `wattseal serve`.")],
    trust: Annotated[Path | None, Parameter(help="A trust file: whose registry and witnesses to believe.")] = None,
    json_output: JsonOutput = False,
) -> int:
    """Check every signature, chain, commitment and log entry, and every projection, posting and balance by its records.

    Nothing is changed. Exit code: 0 when all of it holds, 1 when something is wrong; each finding names what and where.
    """
    checked = asyncio.run(run_fsck(data, trust_file=trust))
    if json_output:
        findings = [{"code": f.code, "field": f.field, "detail": f.detail} for f in checked.findings]
        whole = {"ok": not findings, "records": checked.records, "log_entries": checked.entries, "findings": findings}
        print(json_text(whole))
    else:
        for finding in checked.findings:
            print(f"{finding.code}: {shown(finding.field)}: {shown(finding.detail)}")
        wrong = f"{len(checked.findings)} findings" if checked.findings else "all of it holds"
        print(f"{checked.records} records, {checked.entries} log entries: {wrong}")
    return 1 if checked.findings else 0
