"""What others feel while one peer misbehaves: the p99 of stations that charge, in calm and under each attack.

    python -m bench --only under_attack

`wattseal serve` with 50 stations that charge, a message every quarter of a second each, and one process that does its
worst (bench/attacks.py). The attacker works on the same machine and takes its share of it, so that the ratio is worse
than it would be from outside.
"""

import resource
from contextlib import ExitStack

from bench.attacks import KINDS
from bench.crowd import post, serving
from bench.end_to_end import PACE_S, Server, load, started
from bench.load import PASSWORD, TOKEN, station_id
from bench.measure import Row, at_most

GROUP = "Others' p99 while one peer misbehaves"
CHARGING = 50


def measure(*, quick: bool = False) -> list[Row]:
    """Return p99 under each attack, as a multiple of that in calm just before."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    rows = []
    charging = 5 if quick else CHARGING
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        told, token, process = stack.enter_context(serving())
        post(told["http"], token, "tokens", [{"id_token": TOKEN, "type": "ISO14443", "status": "Accepted"}])
        bodies = [{"id": station_id(number), "password": PASSWORD, "evses": [{"id": 1}]} for number in range(charging)]
        post(told["http"], token, "stations", bodies)
        run = stack.enter_context(load(Server("attacked", told["ocpp"], process), charging, 1))
        for kind in ("heartbeats",) if quick else KINDS:
            calm = run(PACE_S)
            with started("bench.attacks", told["ocpp"], kind) as (_, line):
                assert line == "ready\n"
                rough = run(PACE_S)
            ratio = rough["p99_ms"] / calm["p99_ms"]
            note = f"p50 {rough['p50_ms']:.1f} ms; calm p50 {calm['p50_ms']:.1f} ms, p99 {calm['p99_ms']:.1f} ms"
            rows.append(Row(GROUP, kind, rough["p99_ms"], "ms", ratio, "calm", *at_most(ratio, 2), note))
    return rows
