import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from wattseal.app.logging import configure_logging
from wattseal.app.settings import LogFormat, Logging, LogLevel
from wattseal.app.settings_base import Secret


@pytest.fixture(autouse=True)
def the_loggers_are_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(format_: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(Logging(format=format_, level=level), stream)
    return stream


@pytest.mark.parametrize("format_", LogFormat)
@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"Authorization": "Basic aHVudGVyMg=="},
        {"partner": {"token": "hunter2", "deep": [{"client_secret": "hunter2"}]}},
        {"idTag": "hunter2", "id_token": "hunter2"},
        {"settings": Secret("hunter2")},
        {"header": "authorization: Basic hunter2hunter2"},
        {"url": "ws://station:hunter2@127.0.0.1/ocpp/station"},
        {"body": '{"idTag":"hunter2","password": "hunter2"}'},
        {"query": "/versions?token=hunter2&x=1"},
        {"pem": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"},
    ],
    ids=str,
)
def test_no_secret_is_written_in_any_field(format_: LogFormat, fields: dict[str, Any]) -> None:
    stream = written(format_)
    structlog.get_logger("t").warning("partner_refused", station_id="CS1", **fields)
    assert "hunter2" not in stream.getvalue()
    assert "[redacted]" in stream.getvalue()
    assert "CS1" in stream.getvalue()


def test_without_redaction_the_same_line_tells_it() -> None:
    """The control: the renderer alone would write what the fields hold."""
    assert "hunter2" in str(structlog.processors.JSONRenderer()(None, "info", {"password": "hunter2"}))


def test_lines_and_stacks_of_libraries_are_redacted_too() -> None:
    stream = written()
    logging.getLogger("library").warning("GET %s", "/?token=hunter2&page=1")
    try:
        int("password=hunter2")
    except ValueError:
        structlog.get_logger("t").exception("failed")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0]["event"] == "GET /?token=[redacted]&page=1"
    assert "password=[redacted]" in lines[1]["exception"]
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("format_", LogFormat)
def test_hostile_text_forges_no_line_and_moves_no_cursor(format_: LogFormat) -> None:
    stream = written(format_)
    structlog.get_logger("t").info("status", vendor="x\n2026 [error] forged \x1b[2J\u202e", **{"a\nb": {"c\x1b": 1}})
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def test_a_line_says_when_in_utc_how_bad_and_who() -> None:
    stream = written()
    structlog.get_logger("wattseal.edge").error("journal_failed", free_bytes=0, body=b"abc")
    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "journal_failed",
        "level": "error",
        "logger": "wattseal.edge",
        "free_bytes": 0,
        "body": "<3 bytes>",
    }


def test_only_the_level_asked_for_is_written() -> None:
    stream = written(level=LogLevel.WARNING)
    structlog.get_logger("t").info("quiet")
    structlog.get_logger("t").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


def test_libraries_chat_only_when_debugging() -> None:
    stream = written()
    logging.getLogger("alembic.runtime.migration").info("chat")
    assert stream.getvalue() == ""
    stream = written(level=LogLevel.DEBUG)
    logging.getLogger("alembic.runtime.migration").info("chat")
    assert "chat" in stream.getvalue()
