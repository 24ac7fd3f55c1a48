"""What Python's verifier says of bundles, spelt as the browser's; and a recorder of what other tests have judged.

As a plugin of pytest (`-p tests.web.verdicts`) it appends a line [question, answer] to the file that
`WATTSEAL_VERDICTS` names, whenever a test checks a bundle without a private key.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wattseal.bundle import check
from wattseal.bundle.report import Report
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey

Case = dict[str, Any]
_check_bundle = check.check_bundle


def said(report: Report) -> Case:
    """Return a report as the peer spells it; the lines of the price are compared where prices are."""
    told = report.to_json()
    if told["price"] is not None:
        del told["price"]["lines"]
    for step in told["steps"]:
        del step["name"]
    for record in told["records"]:
        if not record["reason"]:
            del record["reason"]
    told["points"] = [
        [point.ms, None if point.register_wh is None else format(point.register_wh, "f")] for point in report.points
    ]
    return without_vehicles(told)


VEHICLES = {"vehicle_confirmed", "vehicle_differs", "receipts_disagree"}


def without_vehicles(told: Case) -> Case:
    """Leave out what vehicles signed: it changes neither verdict nor grade, and the browser does not read it."""
    records = [record for record in told["records"] if record.get("kind") != "vehicle"]
    return told | {"records": records, "findings": [f for f in told["findings"] if f["code"] not in VEHICLES]}


def judged(data: bytes, believed: Trust | None, report: Report | None = None) -> tuple[Case, Case]:
    """Return the peer's question and Python's answer."""
    report = report or _check_bundle(data, believed)
    told = None if believed is None else believed.to_json().decode()
    return {"bundle": data.hex(), "trust": told}, said(report)


def pytest_configure(config: pytest.Config) -> None:
    del config
    path = Path(os.environ["WATTSEAL_VERDICTS"])

    def recorded(data: bytes, trust: Trust | None, keys: Sequence[SealPrivateKey] = ()) -> Report:
        report = _check_bundle(data, trust, keys)
        if not keys:
            with path.open("a") as file:
                file.write(json.dumps(judged(data, trust, report)) + "\n")
        return report

    check.check_bundle = recorded
