"""The CPO's process (`wattseal serve`): its directory, keys, ports and services, put together."""

import asyncio
import gc
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from aiohttp import ClientSession

from wattseal.app.alerts import alert_channels
from wattseal.app.alive import Statements
from wattseal.app.background import in_background
from wattseal.app.cpo.api import api_stores
from wattseal.app.cpo.keys import load_keys, load_log_key, load_message_signer, load_trust
from wattseal.app.cpo.listening import opened, pages_at
from wattseal.app.cpo.log import LogProofs
from wattseal.app.cpo.parts import Options, Parts, Running
from wattseal.app.cpo.tenant import ROLE, SYSTEM, TENANT
from wattseal.app.cpo.timers import Timers, run_timers
from wattseal.app.lines import StationLines
from wattseal.app.log_keeper import LogKeeper
from wattseal.app.payments import payment_providers
from wattseal.app.people import first_owner, people_policy
from wattseal.app.policy import load_contract_roots, policy_of, ramp_of
from wattseal.app.rollout_works import WORKS
from wattseal.app.rollouts import Rollouts
from wattseal.app.settings import Settings
from wattseal.app.stop import stop_signal
from wattseal.app.system import PooledRandom, SystemClock
from wattseal.app.vendors import load_vendors
from wattseal.base.errors import ConfigError
from wattseal.dial.emsp import EmspPartners, Partner
from wattseal.dial.ocsp import ListedResponders
from wattseal.dial.witness import WitnessClient, WitnessPeer
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.flow.books import Books
from wattseal.flow.chains import Chains
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.charges.reproof_rounds import Reprover
from wattseal.flow.charges.tails import load_open_chains
from wattseal.flow.courier import Courier
from wattseal.flow.documents import IDENTITY, SELF, Identity, put, read
from wattseal.flow.drivers.list_keeper import ListKeeper
from wattseal.flow.fleet.enrol import load_entries, load_stations
from wattseal.flow.fleet.uptime import Ports
from wattseal.flow.limits.fallback import FallbackKeeper
from wattseal.flow.money.billing import Biller
from wattseal.flow.money.tariff_partners import tell_new_partners
from wattseal.flow.own_clock import OwnClock
from wattseal.flow.ports import Batch, Clock
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.waiting import Sender
from wattseal.flow.world import World
from wattseal.log.keys import VerifierKey
from wattseal.parties.cpo import own_entries
from wattseal.rules.enrolment import believe
from wattseal.rules.ramp import Ramp
from wattseal.seal.registry import Registry
from wattseal.serve.feed import Feed
from wattseal.stores.datadir import DataDir
from wattseal.stores.sqlite import SqliteJournal

SWITCH_INTERVAL_S = 0.001
"""How long a thread that writes may keep the interpreter while the event loop wants it: stations wait for the loop."""


async def run_cpo(options: Options, ready: Callable[[Running], None]) -> None:
    """Serve until SIGTERM or SIGINT: then no new messages are taken, those at hand are answered, all is closed."""
    with DataDir.open(options.data, ROLE) as data:
        data.refuse_archive()
        keys_before_records(data, options.settings)
        journal_file = await asyncio.to_thread(data.prepare_journal)
        async with AsyncExitStack() as stack:
            journal = await SqliteJournal.open(journal_file)
            stack.push_async_callback(journal.close)
            parts = await assemble(options, data, journal, await stack.enter_async_context(ClientSession()))
            background = await stack.enter_async_context(in_background())
            stores = await stack.enter_async_context(
                api_stores(parts.world, data.path, options.settings.frames, people_policy(options.settings.people))
            )
            running = await stack.enter_async_context(opened(options, data, parts, stores))
            timers = Timers(
                parts.world,
                parts.keeper,
                Courier(
                    parts.world,
                    parts.proofs,
                    parts.partners.post,
                    background.start,
                    alert_channels(options.settings.alerts, parts.world, parts.session),
                ),
                checkpoint_interval_s=options.settings.log.checkpoint_interval_s,
                heartbeat_interval_s=options.settings.heartbeat.interval_s,
                ports=await Ports.load(parts.world, lambda station_id: parts.lines.version(station_id) is not None),
                rollouts=Rollouts(parts.world, WORKS),
                lists=ListKeeper(parts.world, SYSTEM, background.start),
                open=OpenKeeper(parts.world, SYSTEM),
                silence=await SilenceKeeper.load(parts.world),
                clock=OwnClock(parts.world, recorded_ms=await parts.keeper.published_ms()),
                alarms=parts.statements.alarms,
                statements=parts.statements,
                biller=Biller(parts.world, parts.proofs),
                background=background,
                reprover=Reprover(parts.world, parts.proofs, options.settings.reproof.sessions),
                sender=Sender(parts.world, background.start),
                fallbacks=FallbackKeeper(parts.world, SYSTEM, background.start),
                reproof_interval_s=options.settings.reproof.interval_s,
            )
            await tell_new_partners(parts.world)
            await parts.statements.step()
            await stack.enter_async_context(run_timers(timers))
            async with stop_signal() as stop:
                _settle_down()
                if options.owner_link:
                    running = replace(running, owner_link=await first_owner(stores.people, pages_at(options, running)))
                ready(running)
                await stop.wait()


def keys_before_records(data: DataDir, settings: Settings) -> None:
    """Make the keys at the very first start; where there are records already, a missing key is never made anew."""
    lost = sorted({"billing-sign.pem", "csms-seal.pem", "csms-sign.pem", "log.pem"} - set(data.keys.names()))
    if lost and data.journal_file.exists():
        raise ConfigError(
            f"{' and '.join(lost)} missing, but there are records: bring the keys back with `wattseal keys import`; "
            "a new key would fork what the old one signed",
            code="keys_lost",
            subject=str(data.keys.directory),
        )
    load_keys(data.keys)
    load_log_key(data.keys, settings.log.origin or f"{settings.serve.party}/log")


async def assemble(
    options: Options, data: DataDir, journal: SqliteJournal, session: ClientSession, clock: Clock | None = None
) -> Parts:
    """Put the CPO together from its directory and settings; `ConfigError` names what cannot be used.

    Its time is the machine's, or another clock's where a month is played.
    """
    settings = options.settings
    party = settings.serve.party
    log_origin = settings.log.origin or f"{party}/log"
    random, lines = PooledRandom(), StationLines()
    clock = SystemClock() if clock is None else clock
    keys = load_keys(data.keys)
    log_key = load_log_key(data.keys, log_origin)
    trust = load_trust(settings.trust.file)
    registry = Registry(trust.roots() if trust else {})
    registry.add_all(list(trust.entries) if trust else [])
    partners = EmspPartners(
        session, [Partner(p.party, p.url, p.token.reveal()) for p in settings.partners if p.url], random
    )
    world = World(
        tenant=TENANT,
        party=party,
        log_origin=log_origin,
        journal=journal,
        clock=clock,
        random=random,
        csms_key=keys.csms,
        billing_key=keys.billing,
        seal_key=keys.seal,
        registry=registry,
        partners=partners,
        settings=policy_of(settings),
        chains=Chains(journal, TENANT, log_origin, random),
        books=Books(journal, TENANT),
        responders=ListedResponders(session, settings.tls.ocsp_responders),
        contract_roots=load_contract_roots(settings.tls.contract_roots),
        vendors=load_vendors(settings.devices.vendor_plugins),
        message_signer=load_message_signer(data.keys, party, clock.now()),
        lines=lines,
        trust=trust,
        ramp=Ramp(ramp_of(settings.ramp)),
        pause=asyncio.sleep if isinstance(clock, SystemClock) else None,
    )
    journal.doubt(world.forget)
    await _claim(world)
    registry.add_all(list(await load_entries(world)))
    believe(registry, own_entries(party, keys))
    await load_stations(world)
    await load_open_chains(world)
    alarms = await AlarmKeeper.load(world)
    witnesses = {w.party: WitnessPeer(w.url, VerifierKey.parse(w.vkey)) for w in settings.witnesses}
    keeper = await LogKeeper.open(
        data.log_dir(TENANT),
        log_key,
        tenant=TENANT,
        journal=journal,
        witnesses=WitnessClient(session, witnesses.values()),
        clock=clock,
        random=random,
    )
    desk = payment_providers(world, settings, session, data.path, insecure_dev=options.insecure_dev)
    quorum = min(trust.quorum, len(witnesses)) if trust else len(witnesses)
    proofs = LogProofs(keeper, {party: peer.key for party, peer in witnesses.items()}, quorum)
    feed = Feed()
    journal.follow(feed.committed)
    statements = Statements(alarms, log_key, settings.alerts.alive_s)
    return Parts(world, keeper, proofs, partners, log_key, keys, lines, desk, feed, session, statements)


async def _claim(world: World) -> None:
    """Write down whose journal this is; `ConfigError` where it is another party's or for another log."""
    mine = Identity(world.party, world.log_origin)
    document = await world.journal.document(world.tenant, IDENTITY, SELF)
    if document is None:
        await world.journal.commit(Batch(world.tenant, puts=(put(IDENTITY, SELF, mine, world.now_ms()),)))
        return
    found = read(document, Identity)
    if found != mine:
        text = f"this directory is of {found.party} with the log {found.log_origin}; neither can be changed"
        raise ConfigError(text, code="another_party", subject=found.party)


def _settle_down() -> None:
    """Keep the collector from going over all that stays for good, and from running after every few messages."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
