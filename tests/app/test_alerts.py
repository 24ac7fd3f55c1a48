"""Alarms told outside, on real sockets: a signed webhook and mail over TLS that is checked, tried again until taken."""

import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from tests.support.cpo_world import TestClock, make_world
from tests.support.mail_server import MailServer, mail_server
from tests.support.no_proofs import NoProofs
from tests.support.pki import Ca

from wattseal.app.alerts import alert_policy
from wattseal.app.listening import listening
from wattseal.app.settings import Alerts as Chosen
from wattseal.app.settings_base import Secret
from wattseal.base.errors import ConfigError
from wattseal.dial.alerts import Alerts, Mail, Webhook, signature
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.flow.alarms import alarm
from wattseal.flow.alerts import AlertPolicy
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.settings import Settings
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.alarm import Severity
from wattseal.seal.alarm import AlarmEvent

SECRET = "a secret of twenty-four"
BOTH = Settings(alerts=AlertPolicy(Severity.WARNING, ("webhook", "mail")))


@dataclass
class Hook:
    """A listener that answers what it is told to."""

    status: int = 200
    port: int = 0
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    application = web.Application()
    application.add_routes([web.post("/hook", made.take)])
    async with listening(application, "127.0.0.1", 0) as made.port:
        yield made


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


async def nobody(party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
    del party, path, body, content_type
    return Delivery.LATER, b""


def telling(
    world: World, session: aiohttp.ClientSession, hook: Hook | None = None, mail: Mail | None = None
) -> Courier:
    webhook = None if hook is None else Webhook(f"http://127.0.0.1:{hook.port}/hook", SECRET)
    return Courier(world, NoProofs(), nobody, tell=Alerts(session, world.now_ms, world.count, webhook, mail))


async def raised(world: World, code: str = "evidence_invalid") -> str:
    step = Step(world, "ST1", world.now_ms())
    key = alarm(step, code, "signature", "04A2B3C4 at 192.0.2.7")
    await step.commit()
    await AlarmKeeper(world).round()
    return key


def later(world: World, seconds: float) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(seconds=seconds)


def webhooks(least: Severity = Severity.WARNING) -> World:
    return make_world(settings=Settings(alerts=AlertPolicy(least, ("webhook",))))


async def test_a_webhook_is_told_of_each_step_signed_and_without_what_the_station_said(
    hook: Hook, session: aiohttp.ClientSession
) -> None:
    world = webhooks()
    key = await raised(world)
    await AlarmKeeper(world).act(key, AlarmEvent.CLOSED, "person/1")
    courier = telling(world, session, hook)
    assert await courier.round() == 2
    bodies: list[dict[str, Any]] = [json.loads(body) for _, body in hook.heard]
    assert [body["event"] for body in bodies] == ["alarm.opened", "alarm.closed"]
    assert (bodies[0]["code"], bodies[0]["severity"], len(bodies[0]["record"])) == ("evidence_invalid", "critical", 64)
    assert bodies[0]["runbook"] == "/alarms/runbooks/evidence_invalid"
    for headers, body in hook.heard:
        expected = signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], body)
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert signature("another", headers["webhook-id"], headers["webhook-timestamp"], body) != expected
        assert b"04A2B3C4" not in body
        assert b"192.0.2.7" not in body
        assert b"person/1" not in body
    assert await courier.round() == 0


async def test_what_is_not_taken_is_tried_again_and_a_redirect_is_not_followed(
    hook: Hook, session: aiohttp.ClientSession
) -> None:
    world = webhooks()
    courier = telling(world, session, hook)
    await raised(world)
    for status in (500, 307):
        hook.status = status
        assert await courier.round() == 0
        assert await courier.round() == 0
        later(world, 60)
    assert len(hook.heard) == 2
    hook.status = 204
    assert await courier.round() == 1
    ids = {headers["webhook-id"] for headers, _ in hook.heard}
    assert (len(hook.heard), len(ids)) == (3, 1)


async def test_what_cannot_be_told_for_a_day_is_given_up_and_a_channel_that_rests_holds_nothing_up(
    hook: Hook, session: aiohttp.ClientSession
) -> None:
    world = webhooks()
    hook.status = 500
    courier = telling(world, session, hook)
    await raised(world)
    await raised(world, "chain_fork")
    await courier.round()
    assert len(hook.heard) == 1
    later(world, 90_000)
    assert await courier.round() == 2
    assert world.counters["alert_given_up"] == 2


async def test_only_what_is_grave_enough_is_told(hook: Hook, session: aiohttp.ClientSession) -> None:
    world = webhooks(Severity.CRITICAL)
    await raised(world, "clock_drift")
    await raised(world, "chain_fork")
    await telling(world, session, hook).round()
    assert [json.loads(body)["code"] for _, body in hook.heard] == ["chain_fork"]


def tls(folder: Path, authority: Ca, host: str = "127.0.0.1") -> ssl.SSLContext:
    certificate, key = authority.issue("mail.example", hosts=(host,)).write(folder, "mail")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def mail_to(server: MailServer, ca: Path) -> Mail:
    to = ("night@cpo.example", "day@cpo.example")
    return Mail("127.0.0.1", server.port, "wattseal@cpo.example", to, "wattseal", "secret", server.implicit, ca)


@pytest.mark.parametrize("implicit", [True, False])
async def test_mail_goes_over_tls_to_everybody_who_is_named(
    *, implicit: bool, tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    authority, world = Ca.make(), make_world(settings=BOTH)
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    async with mail_server(MailServer(tls(tmp_path, authority), implicit)) as server:
        await raised(world)
        courier = telling(world, session, mail=mail_to(server, tmp_path / "ca.pem"))
        assert await courier.round() == 2
    (mail,) = server.mails
    assert "Subject: [critical] evidence_invalid opened: ST1" in mail
    assert "To: night@cpo.example, day@cpo.example" in mail
    assert "Signed record: " in mail
    assert "04A2B3C4" not in mail
    assert server.signed_in == ["\0wattseal\0secret"]
    assert not any(b"AUTH" in line or b"DATA" in line for line in server.in_clear)


async def test_mail_is_not_given_to_a_server_without_tls_or_with_anothers_certificate(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    authority, world = Ca.make(), make_world(settings=BOTH)
    (tmp_path / "ca.pem").write_bytes(authority.pem())
    plain = MailServer(tls(tmp_path, authority), offers_tls=False)
    others = MailServer(tls(tmp_path, Ca.make("Another")), implicit=True)
    elsewhere = MailServer(tls(tmp_path, authority, "192.0.2.7"), implicit=True)
    await raised(world)
    for server in (plain, others, elsewhere):
        async with mail_server(server):
            await telling(world, session, mail=mail_to(server, tmp_path / "ca.pem")).round()
        later(world, 600)
        assert server.mails == server.signed_in == []
    assert world.counters["alert_mail_failed"] == 3


@pytest.mark.parametrize(
    ("chosen", "subject"),
    [
        (Chosen(webhook="ftp://x/"), "alerts.webhook"),
        (Chosen(webhook="https://user@pager.example/"), "alerts.webhook"),
        (Chosen(webhook="https://pager.example/"), "alerts.webhook_secret"),
        (Chosen(webhook="https://pager.example/", webhook_secret=Secret("short")), "alerts.webhook_secret"),
        (Chosen(mail_host="mail.example"), "alerts.mail_to"),
        (Chosen(mail_host="mail.example", mail_from="a@b", mail_to=("x\r\nBcc: y@z",)), "alerts.mail_to"),
    ],
)
def test_a_channel_that_lacks_something_is_named(chosen: Chosen, subject: str) -> None:
    with pytest.raises(ConfigError) as caught:
        alert_policy(chosen)
    assert caught.value.subject == subject


def test_channels_are_those_that_are_configured() -> None:
    chosen = Chosen(webhook="https://pager.example/x", webhook_secret=Secret(SECRET), least=Severity.CRITICAL)
    assert alert_policy(chosen) == AlertPolicy(Severity.CRITICAL, ("webhook",))
    assert alert_policy(Chosen()) == AlertPolicy()
    assert SECRET.encode() not in msgspec.json.encode(str(chosen))
