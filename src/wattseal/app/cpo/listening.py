"""The doors of a CPO's process: stations, API and pages, metrics; and what runs beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import msgspec

from wattseal.app.backups import last_backup
from wattseal.app.config import redacted
from wattseal.app.cpo.api import ApiStores, links_of
from wattseal.app.cpo.certificates import DELIVERY_INTERVAL_S, RENEWAL_INTERVAL_S, CertificateWork
from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.cpo.parts import Options, Parts, Running
from wattseal.app.cpo.stations import (
    close_when_unhealthy,
    follow_tls_files,
    listen_for_stations,
    port_unusable,
)
from wattseal.app.cpo.tenant import TENANT
from wattseal.app.cpo.timers import every
from wattseal.app.doorman import Doorman, is_loopback
from wattseal.app.http import serve_http
from wattseal.app.inventories import INVENTORY_INTERVAL_S, ask_inventories
from wattseal.app.listening import listening
from wattseal.app.metrics import Sources, metrics_application
from wattseal.app.payments import own_base, pay_base
from wattseal.app.people import forget_sessions, outside_of
from wattseal.app.rendering import RenderElsewhere
from wattseal.app.tls import TlsKeeper, make_proxies
from wattseal.app.uploads import (
    FORGET_INTERVAL_S,
    forget_customers,
    forget_due,
    forget_invoices,
    forget_uploads,
    open_uploads,
    upload_base,
)
from wattseal.base.errors import ConfigError
from wattseal.base.ids import StationId
from wattseal.flow.money.invoices import Renderer
from wattseal.parties.cpo import own_entries
from wattseal.serve.api.app import make_api
from wattseal.serve.api.service import Link, Service
from wattseal.serve.ocpp_ws import PATH, OcppServer
from wattseal.serve.people import PersonViewers
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.datadir import DataDir
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import admin_token


async def _service(
    options: Options,
    data: DataDir,
    parts: Parts,
    stores: ApiStores,
    *,
    link: Callable[[StationId], Link | None],
    renderer: Renderer,
    ports: Mapping[str, int],
) -> Service:
    """Return what API and pages stand on; `ports` are filled in as they open."""
    world = parts.world
    return Service(
        world=world,
        proofs=parts.proofs,
        authenticate=stores.bearer(admin_token(data.admin_token_file, world.random)),
        api_tokens=stores.api_tokens,
        requests=stores.requests,
        frames=stores.frames,
        link=link,
        ready=lambda: world.journal.healthy,
        tiles=data.log_dir(TENANT),
        log_vkey=str(parts.log_key.verifier),
        own_entries=own_entries(world.party, parts.keys),
        retry_after_s=max(1, round(options.settings.log.checkpoint_interval_s)),
        uploads=await open_uploads(options.settings.uploads, data.path),
        renderer=renderer,
        pay=parts.desk,
        viewers=PersonViewers(stores.people),
        feed=parts.feed,
        people=stores.people,
        outside=outside_of(stores.people, options.settings.people, parts.session),
        witnesses={witness.party: witness.vkey for witness in options.settings.witnesses},
        ports=ports,
        settings=redacted(options.settings),
        last_backup=lambda: last_backup(data.path),
        statement=lambda: parts.statements.latest,
    )


@asynccontextmanager
async def opened(options: Options, data: DataDir, parts: Parts, stores: ApiStores) -> AsyncIterator[Running]:
    """Listen for stations, the API and metrics, with what the clock does beside them, as long as the context lasts."""
    world, serve = parts.world, options.settings.serve
    if options.insecure_dev and not is_loopback(serve.host):
        raise ConfigError("--insecure-dev is for loopback only", code="not_loopback", subject=serve.host)
    tls = TlsKeeper(options.settings.tls, AuthorityFiles(data.path), world.clock, world.count)
    world.authority = tls.authority(world.clock, world.random)
    certificates = CertificateWork(world, options.settings.tls.renew_days, tls.seconds_left)
    doorman = Doorman(
        world,
        insecure_dev=options.insecure_dev,
        allow_profile_0=serve.allow_profile_0,
        trust=lambda: tls.trust,
    )
    endpoint = make_endpoint(
        world, doorman, parts.lines.traffic, make_proxies(options.settings.tls), serve.answer_step_s
    )
    tap = None if stores.frames is None else stores.frames.take
    ocpp = OcppServer(replace(endpoint, paths=(PATH, *serve.path_aliases), tap=tap))
    parts.lines.attach(ocpp)
    renderer = RenderElsewhere()
    ports: dict[str, int] = {}
    service = await _service(options, data, parts, stores, link=links_of(ocpp), renderer=renderer, ports=ports)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(renderer.close)
        try:
            http_port = await stack.enter_async_context(serve_http(make_api(service), serve.host, serve.http_port))
        except OSError as error:
            raise port_unusable(serve.host, serve.http_port, error) from error
        stack.callback(parts.feed.close)
        world.upload_base = upload_base(options.settings, http_port)
        world.own_base = own_base(options.settings, http_port)
        world.pay_base = pay_base(options.settings, http_port)
        stations = await listen_for_stations(serve, ocpp, tls, stack)
        ports |= {"ocpp": stations.ws, "http": http_port}
        ports |= {k: v for k, v in (("wss", stations.wss), ("mutual", stations.mutual)) if v is not None}
        if serve.metrics_port is not None:
            sources = Sources(
                world,
                parts.lines.traffic,
                lambda: [connection.version for connection in ocpp.connections.values()],
                certificates.seconds_left,
            )
            metrics = listening(metrics_application(sources), serve.metrics_host, serve.metrics_port)
            ports["metrics"] = await stack.enter_async_context(metrics)
        await asyncio.to_thread(write_durably, data.path / "ports.json", msgspec.json.encode(ports) + b"\n")
        for watch in (
            close_when_unhealthy(world, ocpp),
            follow_tls_files(tls, doorman, ocpp, world),
            every(DELIVERY_INTERVAL_S, certificates.deliver),
            every(RENEWAL_INTERVAL_S, certificates.renew),
            every(INVENTORY_INTERVAL_S, ask_inventories(world)),
            every(FORGET_INTERVAL_S, forget_customers(world, world.settings.retention.customer_reports_days)),
            every(FORGET_INTERVAL_S, forget_due(world)),
            every(FORGET_INTERVAL_S, forget_invoices(world)),
            every(FORGET_INTERVAL_S, forget_sessions(stores.people)),
            every(FORGET_INTERVAL_S, forget_uploads(world, service.uploads, world.settings.retention.uploads_days)),
        ):
            stack.callback(asyncio.create_task(watch).cancel)
        yield Running(stations, http_port, data.path, str(parts.log_key.verifier), ports.get("metrics"))


def pages_at(options: Options, running: Running) -> str:
    """Return where people open the pages: passkeys want a name, so this machine is called one."""
    serve = options.settings.serve
    if serve.public_url is not None:
        return serve.public_url
    if is_loopback(serve.host):
        return f"http://localhost:{running.http_port}"
    return own_base(options.settings, running.http_port)
