"""Errors: a broken promise is an exception; expected trouble is a value."""

from typing import Any


class WattsealError(Exception):
    """A promise was broken.

    `code` is a stable, translatable message code (snake case); `subject` the offending id, path or
    field; the text says what to do next. Secrets never appear in any of the three.
    """

    code = "error"

    def __init__(self, text: str, *, code: str | None = None, subject: str = "") -> None:
        super().__init__(text)
        self.code = code or type(self).code
        self.subject = subject

    def diagnostics(self) -> dict[str, Any]:
        """Return `{"code", "subject", "text"}` for logs and `--json` output."""
        return {"code": self.code, "subject": self.subject, "text": str(self)}


class InputError(WattsealError):
    """Bytes from outside that cannot be accepted; nothing was changed."""

    code = "bad_input"


class LimitError(InputError):
    """Input beyond a stated limit (size, depth, digits, count)."""

    code = "limit_exceeded"


class ConfigError(WattsealError):
    """The configuration or the data directory cannot be used; the text names the remedy."""

    code = "bad_config"


class StoreError(WattsealError):
    """A durable store refused or failed; what was not acknowledged was not stored."""

    code = "store_failed"
