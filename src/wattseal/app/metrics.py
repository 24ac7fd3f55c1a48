"""What Prometheus is told: read from the process when it is scraped, with no station's name in any label."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from wattseal.flow.ports import Unflushed
from wattseal.flow.world import World
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.version import Refusal, Version

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
RECEIVED, SENT = "received", "sent"
OTHER = "other"
"""Label of an action no version knows: what a peer makes up is no label."""
_ACTIONS = frozenset(message.action for message in catalog.MESSAGES)


@dataclass(slots=True)
class Traffic:
    """Messages by (action, direction, result); kept as they come, read at a scrape."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def received(self, action: str, answer: bytes | Refusal | Unflushed) -> None:
        """Count a station's call and what it was answered: "ok", or a CALLERROR's fault in lower case."""
        result = answer.fault.name.lower() if isinstance(answer, Refusal) else "ok"
        self.counts[action if action in _ACTIONS else OTHER, RECEIVED, result] += 1

    def sent(self, action: str, result: str) -> None:
        """Count a call of ours: "ok", "call_error", "offline", "timed_out" or "busy"."""
        self.counts[action, SENT, result] += 1


@dataclass(frozen=True, slots=True)
class Sources:
    """Where figures come from; the functions are called at a scrape.

    `connected` gives the version of each live connection, `certificates` seconds until expiry by kind of certificate.
    """

    world: World
    traffic: Traffic
    connected: Callable[[], Iterable[Version]]
    certificates: Callable[[], Mapping[str, float]] = dict


class _Csms(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        sources, world = self._sources, self._sources.world
        connected = GaugeMetricFamily(
            "wattseal_ocpp_connected_stations", "Stations connected at present.", labels=["version"]
        )
        by_version = Counter(sources.connected())
        for version in Version:
            connected.add_metric([version.value], by_version[version])
        yield connected
        messages = CounterMetricFamily(
            "wattseal_ocpp_messages", "OCPP calls since the start.", labels=["action", "direction", "result"]
        )
        for labels, count in sorted(sources.traffic.counts.items()):
            messages.add_metric(labels, count)
        yield messages
        verified = CounterMetricFamily(
            "wattseal_signature_verifications", "Signatures of meters and stations checked.", labels=["result"]
        )
        events = CounterMetricFamily("wattseal_events", "Events worth counting, alarms among them.", labels=["event"])
        for name, count in sorted(world.counters.items()):
            if name.startswith(VERIFIED):
                verified.add_metric([name.removeprefix(VERIFIED)], count)
            else:
                events.add_metric([name], count)
        yield verified
        yield events
        active = sum(len(memory.live) for memory in tuple(world.stations.values()))
        yield GaugeMetricFamily("wattseal_sessions_active", "Transactions under way.", value=active)
        yield CounterMetricFamily(
            "wattseal_energy_delivered_wh",
            "Energy of ended transactions since the start, in Wh.",
            float(world.energy_wh),
        )
        yield GaugeMetricFamily(
            "wattseal_journal_healthy", "1 while records can be made durable.", value=int(world.journal.healthy)
        )
        expiry = GaugeMetricFamily(
            "wattseal_certificate_expiry_seconds",
            "Seconds until the first certificate of a kind expires.",
            labels=["kind"],
        )
        for kind, seconds in sorted(sources.certificates().items()):
            expiry.add_metric([kind], seconds)
        yield expiry


VERIFIED = "verification_"
"""Start of the names under which the world counts verdicts."""


def metrics_application(sources: Sources) -> web.Application:
    """Return the service of `/metrics`, the text format of Prometheus; nothing else is served."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(_Csms(sources))

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE})

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    return application
