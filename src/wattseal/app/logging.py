"""Diagnostics: structured lines on standard error, without secrets and without who charged where.

`logger = structlog.get_logger()`, an event in snake case, and fields: `logger.warning("peer_silent", party=party)`.
Lines of libraries (the standard `logging`) come out in the same shape and pass the same redaction.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

from wattseal.app.settings import LogFormat, Logging, LogLevel
from wattseal.app.settings_base import Secret
from wattseal.base.text import shown

HIDDEN = "[redacted]"
MAX_TEXT = 4000
_CHATTY = ("aiohttp.access", "alembic", "asyncio", "uvicorn")
"""Libraries whose everyday lines are for debugging only."""
_MANY_LINES = ("exception", "stack")
_SENSITIVE = re.compile(
    r"passw|passphrase|secret|token|authori[sz]ation|cookie|credential|private|api_?key|id_?tag|\buid\b|bearer|\bseed\b",
    re.IGNORECASE,
)
"""Field names whose values are never written; id_token and idTag are personal data."""
_IN_TEXT = re.compile(
    r"(?P<scheme>\b(?:basic|bearer|token)\s+)[A-Za-z0-9+/=_.~-]{6,}"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://)[^\s/@]+@"
    r"|(?P<name>(?:passw(?:or)?d|passphrase|secret|token|authorization|id_?tag|id_?token)[\"']?\s*[=:]\s*[\"']?)"
    r"(?!(?:basic|bearer|token)\s)[^\s\"',;&}]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.IGNORECASE | re.DOTALL,
)


def configure_logging(settings: Logging, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's lines to `stream` (standard error), one line each."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        redact,
    ]
    if settings.format is LogFormat.JSON:
        last.append(structlog.processors.JSONRenderer())
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0))
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=last, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.value.upper())
    for name in _CHATTY:
        chatty = settings.level is LogLevel.DEBUG
        logging.getLogger(name).setLevel(logging.NOTSET if chatty else logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Hide sensitive fields at any depth, secrets inside texts, and characters that would forge or hide a line."""
    return {shown(key): value if key in ("timestamp", "level") else _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if _SENSITIVE.search(key) and value is not None and not isinstance(value, bool):
        return HIDDEN
    match value:
        case Secret():
            return HIDDEN
        case Mapping():
            return {shown(str(k)): _clean(str(k), v) for k, v in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean("", element) for element in value]
        case None | bool() | int() | float():
            return value
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case _ if key in _MANY_LINES:
            return "\n".join(shown(line, limit=MAX_TEXT) for line in _without_secrets(str(value)).split("\n"))
        case _:
            return shown(_without_secrets(str(value)), limit=MAX_TEXT)


def _without_secrets(text: str) -> str:
    def hide(match: re.Match[str]) -> str:
        kept = match["scheme"] or match["url"] or match["name"] or ""
        return kept + HIDDEN + ("@" if match["url"] else "")

    return _IN_TEXT.sub(hide, text)
