"""Tells alarms to a webhook and by mail. Both addresses come from the configuration, and no redirect is followed.

A webhook is signed after Standard Webhooks: `webhook-signature: v1,` and base64 of HMAC-SHA256 over id, timestamp and
body, with dots between. Mail goes over TLS whose certificate is checked; there is no way without.
"""

import asyncio
import base64
import hashlib
import hmac
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import msgspec

from wattseal.flow.alerts import Alert

TIMEOUT_S = 10.0
REST_MS = 30_000
"""So long a channel that failed is left alone: what waits for it holds nothing else up."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted, and the secret they are signed with."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server and who is written to: TLS from the first byte where `implicit`, else STARTTLS; `ca` is PEM."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    user: str | None = None
    password: str | None = None
    implicit: bool = False
    ca: Path | None = None


@dataclass(slots=True)
class Alerts:
    """Port `Tell`."""

    session: aiohttp.ClientSession
    now_ms: Callable[[], int]
    count: Callable[[str], None]
    webhook: Webhook | None = None
    mail: Mail | None = None
    rests_until_ms: dict[str, int] = field(default_factory=dict)

    async def __call__(self, channel: str, message_id: str, alert: bytes) -> bool:
        """Tell an alert; one for a channel that is configured no more is done with."""
        if self.now_ms() < self.rests_until_ms.get(channel, 0):
            return False
        try:
            match channel:
                case "webhook" if self.webhook is not None:
                    await self._post(self.webhook, message_id, alert)
                case "mail" if self.mail is not None:
                    await asyncio.to_thread(send_mail, self.mail, message_id, alert)
                case _:
                    self.count("alert_without_channel")
        except (aiohttp.ClientError, smtplib.SMTPException, OSError, TimeoutError):
            self.count(f"alert_{channel}_failed")
            self.rests_until_ms[channel] = self.now_ms() + REST_MS
            return False
        return True

    async def _post(self, webhook: Webhook, message_id: str, alert: bytes) -> None:
        timestamp = str(self.now_ms() // 1000)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{signature(webhook.secret, message_id, timestamp, alert)}",
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self.session.post(
            webhook.url, data=alert, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            if not 200 <= answer.status < 300:
                raise aiohttp.ClientError(f"answered {answer.status}")


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a webhook, base64; whoever receives it computes the same."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


def send_mail(mail: Mail, message_id: str, alert: bytes) -> None:
    """Send an alert, in a thread; `smtplib.SMTPException` or `OSError` where it was not taken."""
    context = ssl.create_default_context(cafile=mail.ca)
    message = _message(mail, message_id, msgspec.json.decode(alert, type=Alert))
    if mail.implicit:
        with smtplib.SMTP_SSL(mail.host, mail.port, timeout=TIMEOUT_S, context=context) as server:
            _hand_over(server, mail, message)
    else:
        with smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_S) as server:
            server.starttls(context=context)
            _hand_over(server, mail, message)


def _hand_over(server: smtplib.SMTP, mail: Mail, message: EmailMessage) -> None:
    if mail.user is not None:
        server.login(mail.user, mail.password or "")
    server.send_message(message)


def _message(mail: Mail, message_id: str, alert: Alert) -> EmailMessage:
    """Return the mail. What goes into its head is our own: codes, and a station's name without line breaks."""
    message = EmailMessage()
    where = " ".join(alert.station_id.split()) or "-"
    message["From"], message["To"] = mail.sender, ", ".join(mail.to)
    message["Subject"] = f"[{alert.severity}] {alert.code} {alert.event.removeprefix('alarm.')}: {where}"
    message["Message-ID"] = f"<{message_id.replace('/', '.')}@{mail.sender.rpartition('@')[2]}>"
    lines = (
        alert.means,
        "",
        f"Station: {where}",
        f"Session: {alert.transaction or '-'}",
        f"How often: {alert.count}",
        f"What to do: {alert.action}",
        f"Runbook: {alert.runbook}",
        f"Signed record: {alert.record}",
    )
    message.set_content("\n".join(lines) + "\n")
    return message
