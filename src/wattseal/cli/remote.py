"""What commands share that speak to a running CSMS: where it is, and the token they show it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wattseal.app.api_client import TIMEOUT_S, ApiClient
from wattseal.base.errors import ConfigError

Url = Annotated[str, Parameter(help="Where the API is, such as http://127.0.0.1:8080.")]
TokenFile = Annotated[Path, Parameter(help="File with the API's bearer token, such as DIR/admin-token.")]


def connected(url: str, token_file: Path, timeout_s: float = TIMEOUT_S) -> ApiClient:
    """Return a client of the CSMS at `url`, to be used with `async with`; `ConfigError` where there is no token."""
    try:
        token = token_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        text = f"{token_file} cannot be read; it holds the API's token, DIR/admin-token for example"
        raise ConfigError(text, code="no_token", subject=str(token_file)) from error
    return ApiClient(url, token, timeout_s)
