"""`wattseal keys drill`: practise what is done when the CSMS's signing key was stolen."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wattseal.app.drill import drill
from wattseal.app.system import SystemClock
from wattseal.cli.output import JsonOutput, json_line

FAILED = 1


def drilled(
    bundles: Annotated[list[Path], Parameter(name="BUNDLE", help="bundles (.wsb) made before, of direct stations")],
    *,
    data: Path,
    registry: Path,
    trust: Path,
    json: JsonOutput = False,
) -> int:
    """Play the theft of the CSMS's signing key on copies: revoke it, make and enrol another, check bundles again.

    Nothing given is changed. Exit codes: 0 each step came out as it must, 1 one did not.

    Parameters
    ----------
    data
        Data directory of the CSMS; its keys are copied.
    registry
        Directory of the registry that partners believe; it is copied.
    trust
        Trust file of a partner.
    """
    told = list(drill(data, registry, trust, bundles, SystemClock()))
    for number, one in enumerate(told, start=1):
        if json:
            line = {"step": one.step, "result": one.result, "seconds": round(one.seconds, 3), "held": one.held}
            print(json_line(line))
        else:
            word = "" if one.held else "  NOT AS IT MUST BE"
            print(f"{number}. {one.step}: {one.result} ({one.seconds:.3f} s){word}")
    return 0 if all(one.held for one in told) else FAILED
