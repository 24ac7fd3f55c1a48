"""Alarms to a webhook and by mail, as the configuration says."""

from urllib.parse import urlsplit

from aiohttp import ClientSession

from wattseal.app.settings import Alerts as Chosen
from wattseal.app.settings import MailTls
from wattseal.base.errors import ConfigError
from wattseal.dial.alerts import Alerts, Mail, Webhook
from wattseal.flow.alerts import AlertPolicy
from wattseal.flow.world import World

MIN_SECRET = 16


def alert_policy(chosen: Chosen) -> AlertPolicy:
    """Return which alarms are told by which channels; `ConfigError` where a channel lacks something."""
    channels = (("webhook", _webhook(chosen)), ("mail", _mail(chosen)))
    return AlertPolicy(chosen.least, tuple(name for name, channel in channels if channel is not None))


def alert_channels(chosen: Chosen, world: World, session: ClientSession) -> Alerts:
    """Return what tells them."""
    return Alerts(session, world.now_ms, world.count, _webhook(chosen), _mail(chosen))


def _webhook(chosen: Chosen) -> Webhook | None:
    if chosen.webhook is None:
        return None
    parts = urlsplit(chosen.webhook)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        text = "a webhook is an http or https address without a password in it"
        raise ConfigError(text, code="bad_alerts", subject="alerts.webhook")
    secret = "" if chosen.webhook_secret is None else chosen.webhook_secret.reveal()
    if len(secret) < MIN_SECRET:
        text = f"a webhook is signed with a secret of {MIN_SECRET} characters at least"
        raise ConfigError(text, code="bad_alerts", subject="alerts.webhook_secret")
    return Webhook(chosen.webhook, secret)


def _mail(chosen: Chosen) -> Mail | None:
    if chosen.mail_host is None:
        return None
    if chosen.mail_from is None or not chosen.mail_to:
        raise ConfigError("mail needs mail_from and mail_to", code="bad_alerts", subject="alerts.mail_to")
    if any(not text.isprintable() or "@" not in text for text in (chosen.mail_from, *chosen.mail_to)):
        raise ConfigError("that is no mail address", code="bad_alerts", subject="alerts.mail_to")
    return Mail(
        chosen.mail_host,
        chosen.mail_port,
        chosen.mail_from,
        chosen.mail_to,
        chosen.mail_user,
        None if chosen.mail_password is None else chosen.mail_password.reveal(),
        chosen.mail_tls is MailTls.TLS,
        chosen.mail_ca,
    )
