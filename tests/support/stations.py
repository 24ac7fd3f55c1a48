"""A station reduced to its socket, for tests: it says exactly the frames it is given, well-formed or not."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.csms import PASSWORD, Csms
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

ANSWERED_WITHIN_S = 10
ID = "7"
HEARTBEAT = '[2,"alive","Heartbeat",{}]'


def basic(user: str, password: str | bytes) -> dict[str, str]:
    """Return the header of HTTP Basic authentication; a password of 1.6 is bytes."""
    secret = password if isinstance(password, bytes) else password.encode()
    return {"Authorization": "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()}


@contextmanager
def dialled(
    csms: Csms,
    name: str,
    version: str | None = "1.6",
    headers: dict[str, str] | None = None,
) -> Iterator[ClientConnection]:
    """Connect as the station `name`, with its own credentials where no others are given."""
    with connect(
        csms.ocpp + name,
        subprotocols=None if version is None else [Subprotocol(f"ocpp{version}")],
        additional_headers=basic(name, PASSWORD) if headers is None else headers,
        proxy=None,
        compression=None,
        max_size=None,
        close_timeout=1,
    ) as socket:
        yield socket


def answer_to(socket: ClientConnection, frame: str | bytes, *, text: bool | None = None) -> Any:
    """Return what a frame is answered with: a parsed message, None when it is ignored, the code of a close."""
    try:
        socket.send(frame, text=text)
        socket.send(HEARTBEAT)
        first = json.loads(socket.recv(ANSWERED_WITHIN_S))
        if first[1] == "alive":
            return None
        assert json.loads(socket.recv(ANSWERED_WITHIN_S))[:2] == [3, "alive"], "the connection goes on"
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else "closed without a code"
    return first


def call(action: str, payload: Any, message_id: str = ID) -> str:
    """Return a CALL frame."""
    return json.dumps([2, message_id, action, payload])


def ask(socket: ClientConnection, action: str, payload: Any) -> Any:
    """Call and return the payload of the result; a CALLERROR fails the test."""
    answer = answer_to(socket, call(action, payload))
    assert isinstance(answer, list), answer
    assert answer[0] == 3, answer
    return answer[2]


def upgrade_status(csms: Csms, name: str, headers: dict[str, str]) -> int:
    """Return the HTTP status with which a connection is refused, 101 where it is not."""
    try:
        with dialled(csms, name, headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code
