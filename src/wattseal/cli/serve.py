"""`wattseal serve`: the CSMS of one CPO."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import uvloop
from cyclopts import App, Parameter

from wattseal.app.config import load_settings
from wattseal.app.cpo.cpo import run_cpo
from wattseal.app.cpo.parts import Options, Running
from wattseal.app.logging import configure_logging
from wattseal.cli.output import JsonOutput, json_line

app = App(name="serve", help="Run the CSMS of a CPO: stations dial in, every message becomes a record.")


@app.default
def serve(
    *,
    data: Annotated[Path, Parameter(help="The data directory; made at the first start.")],
    ocpp_port: Annotated[
        int | None, Parameter(help="Where stations dial ws://HOST:PORT/ocpp/ID; 0 is any free one.")
    ] = None,
    wss_port: Annotated[
        int | None, Parameter(help="Where stations dial over TLS, with a password or a certificate; 0 is any free one.")
    ] = None,
    mutual_port: Annotated[
        int | None, Parameter(help="Where stations dial over TLS with a certificate only; 0 is any free one.")
    ] = None,
    http_port: Annotated[int | None, Parameter(help="Where the API is; 0 is any free one.")] = None,
    metrics_port: Annotated[
        int | None, Parameter(help="Where Prometheus scrapes /metrics; nowhere by default, 0 is any free one.")
    ] = None,
    host: Annotated[str | None, Parameter(help="The address to listen on; this machine only by default.")] = None,
    party: Annotated[str | None, Parameter(help="This CPO's party id.")] = None,
    config: Annotated[Path | None, Parameter(help="A TOML file; options given here win.")] = None,
    insecure_dev: Annotated[
        bool, Parameter(negative="", help="Let stations in that are not enrolled, from this machine only.")
    ] = False,
    allow_profile_0: Annotated[
        bool,
        Parameter(negative="", help="Let stations enrolled with security profile 0 in from everywhere, unprotected."),
    ] = False,
    json_output: JsonOutput = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C. One line is printed once stations and API are served.

    As long as nobody owns the system a second line has the one-time link by which its opener becomes the owner.

    DIR/ports.json has the ports, DIR/admin-token the API's bearer token. Exit code 0 after an orderly end; 78 when
    the configuration or the directory cannot be used, 74 when the disk refuses.
    """
    settings = load_settings(config, os.environ)
    given = {
        "host": host,
        "ocpp_port": ocpp_port,
        "wss_port": wss_port,
        "mutual_port": mutual_port,
        "http_port": http_port,
        "metrics_port": metrics_port,
        "party": party,
        "allow_profile_0": allow_profile_0 or None,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = msgspec.structs.replace(settings, serve=msgspec.structs.replace(settings.serve, **chosen))
    configure_logging(settings.logging)

    def ready(running: Running) -> None:
        stations = running.stations
        said = {
            "ready": True,
            "ocpp": f"ws://{settings.serve.host}:{stations.ws}/ocpp/",
            "http": f"http://{settings.serve.host}:{running.http_port}",
            "ocpp_port": stations.ws,
            "http_port": running.http_port,
            "metrics_port": running.metrics_port,
            "log": running.log_vkey,
        }
        tls = {"wss": stations.wss, "mutual": stations.mutual}
        said |= {k: f"wss://{settings.serve.host}:{port}/ocpp/" for k, port in tls.items() if port is not None}
        stations_at = ", ".join(f"{said[k]}ID" for k in ("ocpp", "wss", "mutual") if k in said)
        plain = f"wattseal serve: stations at {stations_at}, API at {said['http']}, data in {running.data}"
        if json_output:
            print(json_line(said | {"owner_link": running.owner_link}), flush=True)
            return
        print(plain, flush=True)
        if running.owner_link is not None:
            hours = f"{settings.people.link_h:g}"
            print(f"wattseal serve: no owner yet: open {running.owner_link} (once, within {hours} hours)", flush=True)

    uvloop.run(run_cpo(Options(data, settings, insecure_dev, owner_link=True), ready))
