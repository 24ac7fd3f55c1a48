"""Files of stations and tokens are read whoever wrote them; what is wrong is named by its line."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.csms import ENVIRONMENT, Csms, serving
from tests.support.forking import wattseal_command
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from wattseal.app.enrol_csv import BadRow, Row, read_stations, read_tokens
from wattseal.base.errors import InputError, LimitError

Read = Callable[[bytes], tuple[list[Row], list[BadRow]]]
OCPP16 = Subprotocol("ocpp1.6")
STEVE_TAGS = b"""ocpp_tag_pk,id_tag,parent_id_tag,expiry_date,max_active_transaction_count,note
1,04AABB,,NULL,1,
2,04CCDD,FLEET,2030-12-31 23:59:59.000000,1,"a driver, somewhere"
3,04EEFF,NULL,,0,lost
"""
STEVE_BOXES = b"""charge_box_pk,charge_box_id,endpoint_address,ocpp_protocol,registration_status
1,CB1,,ocpp1.6J,Accepted
2,CB2,,ocpp1.6J,Accepted
"""
CITRINE_TOKENS = (
    "\ufeffidToken;type;status;cacheExpiryDateTime\nDEADBEEF;ISO14443;Accepted;2030-01-01T00:00:00.000Z\n"
).encode()


def test_tags_come_over_from_steve() -> None:
    good, bad = read_tokens(STEVE_TAGS)
    assert bad == []
    plain, grouped, lost = (row.body for row in good)
    assert plain == {"id_token": "04AABB", "type": "ISO14443", "status": "Accepted"}
    assert grouped["group"] == {"id_token": "FLEET", "type": "ISO14443"}
    assert grouped["expires_at"] == "2030-12-31T23:59:59Z"
    assert lost["status"] == "Blocked"


def test_charge_boxes_come_over_from_steve() -> None:
    good, bad = read_stations(STEVE_BOXES)
    assert ([row.body for row in good], bad) == ([{"id": "CB1"}, {"id": "CB2"}], [])


def test_tokens_come_over_from_citrineos_with_a_byte_order_mark_and_semicolons() -> None:
    good, bad = read_tokens(CITRINE_TOKENS)
    assert bad == []
    assert good[0].body["id_token"] == "DEADBEEF"
    assert good[0].body["expires_at"] == "2030-01-01T00:00:00Z"


def test_ratings_of_evses_come_with_their_number() -> None:
    good, bad = read_stations(b"id,evses,max_power_w\nCP1,2,22000\nCP2,1,\nCP3,,11000\nCP4,1,22kW\n")
    assert [row.body.get("evses") for row in good] == [
        [{"id": 1, "rated_power_w": 22_000}, {"id": 2, "rated_power_w": 22_000}],
        [{"id": 1}],
    ]
    assert [row.line for row in bad] == [4, 5]


def test_a_bad_line_is_named_and_stops_nothing() -> None:
    good, bad = read_stations(b"id,evses\nCP1,2\n,1\nCP2,many\nCP1,1\nCP3,1\n\n")
    assert good == [Row(2, {"id": "CP1", "evses": [{"id": 1}, {"id": 2}]}), Row(6, {"id": "CP3", "evses": [{"id": 1}]})]
    assert [row.line for row in bad] == [3, 4, 5]
    assert bad[2] == BadRow(5, "id stands in an earlier line")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no_column"),
        (b"name,place\nCP1,here\n", "no_column"),
        (b"id\n\xff\n", "not_utf8"),
        (b'id\n"CP1\n', "not_csv"),
    ],
)
def test_a_file_that_is_none_is_refused_with_a_next_step(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as refused:
        read_stations(data)
    assert refused.value.code == code


def test_a_file_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(LimitError):
        read_tokens(b"id_token\n" + b"x" * (16 * 1024 * 1024))
    with pytest.raises(LimitError):
        read_tokens(b"id_token\n" * 100_002)


@given(st.binary(max_size=300))
def test_no_file_makes_the_reader_fall_over(data: bytes) -> None:
    readers: tuple[Read, ...] = (read_stations, read_tokens)
    for read in readers:
        try:
            good, bad = read(b"id,id_token,expires_at,evses\n" + data)
        except InputError:
            continue
        assert len({*(row.line for row in good), *(row.line for row in bad)}) == len(good) + len(bad)


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    folder = tmp_path_factory.mktemp("enrol")
    aliases = '[serve]\npath_aliases = ["/steve/websocket/CentralSystemService/", "/"]\n'
    with serving(folder, settings=aliases) as running:
        yield running


def run(csms: Csms, *words: str | Path) -> tuple[int, dict[str, Any]]:
    url = str(csms.http.base_url)
    given = [*map(str, words), "--url", url, "--token-file", str(csms.data / "admin-token"), "--json"]
    command = [*wattseal_command(), "enrol", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)  # noqa: S603 - our own
    return done.returncode, json.loads(done.stdout or done.stderr)


def test_a_whole_site_moves_in_and_its_stations_connect_over_their_old_paths(csms: Csms, tmp_path: Path) -> None:
    boxes, tags, passwords = tmp_path / "boxes.csv", tmp_path / "tags.csv", tmp_path / "passwords.csv"
    boxes.write_bytes(STEVE_BOXES)
    tags.write_bytes(STEVE_TAGS + b"4,,,,1,\n")
    assert run(csms, "stations", boxes)[1]["error"]["code"] == "no_passwords"
    assert run(csms, "stations", boxes, "--passwords-out", passwords) == (0, {"taken": 2, "refused": []})
    code, told = run(csms, "tokens", tags)
    assert (code, told["taken"], [row["line"] for row in told["refused"]]) == (1, 3, [5])
    assert passwords.stat().st_mode & 0o777 == 0o600
    given = dict(line.split(",") for line in passwords.read_text().splitlines()[1:])
    host = csms.ocpp.removesuffix("/ocpp/")
    for path in ("/steve/websocket/CentralSystemService/CB1", "/CB2", "/ocpp/CB1"):
        station = path.rpartition("/")[2]
        user = b64encode(f"{station}:{given[station]}".encode()).decode()
        headers = {"Authorization": f"Basic {user}"}
        with connect(host + path, subprotocols=[OCPP16], additional_headers=headers) as ws:
            ws.send(json.dumps([2, "1", "Authorize", {"idTag": "04EEFF"}]))
            assert json.loads(ws.recv(10))[2]["idTagInfo"]["status"] == "Blocked"
    boxes.write_bytes(STEVE_BOXES + b"3,CB3,,ocpp1.6J,Accepted\n")
    assert run(csms, "stations", boxes, "--passwords-out", passwords)[1]["error"]["code"] == "exists"


def test_a_file_sent_again_changes_no_password(csms: Csms, tmp_path: Path) -> None:
    boxes, first, second = tmp_path / "boxes.csv", tmp_path / "first.csv", tmp_path / "second.csv"
    boxes.write_bytes(b"id,password\nAGAIN-1,\nAGAIN-2,tiny\n")
    code, told = run(csms, "stations", boxes, "--passwords-out", first)
    assert (code, told["taken"], [row["line"] for row in told["refused"]]) == (1, 1, [3])
    boxes.write_bytes(b"id,password\nagain-1,\nAGAIN-2,long enough now\nAGAIN-3,\n")
    assert run(csms, "stations", boxes, "--passwords-out", second) == (0, {"taken": 3, "refused": []})
    assert [line.split(",")[0] for line in second.read_text().splitlines()] == ["id", "AGAIN-3"]
    given = dict(line.split(",") for line in first.read_text().splitlines()[1:])
    headers = {"Authorization": "Basic " + b64encode(f"AGAIN-1:{given['AGAIN-1']}".encode()).decode()}
    with connect(csms.ocpp + "AGAIN-1", subprotocols=[OCPP16], additional_headers=headers) as ws:
        ws.send('[2,"1","Heartbeat",{}]')
        assert json.loads(ws.recv(10))[0] == 3
    boxes.write_bytes(b"id\nAGAIN-1\n")
    assert run(csms, "stations", boxes) == (0, {"taken": 1, "refused": []})


def test_a_csms_that_refuses_or_is_not_there_is_told_in_a_sentence(csms: Csms, tmp_path: Path) -> None:
    file, wrong = tmp_path / "tags.csv", tmp_path / "token"
    file.write_bytes(STEVE_TAGS)
    wrong.write_text("not the token")
    for url, token, code in (
        (str(csms.http.base_url), wrong, "not_allowed"),
        ("http://127.0.0.1:1", csms.data / "admin-token", "unreachable"),
    ):
        words = ["enrol", "tokens", str(file), "--url", url, "--token-file", str(token), "--json"]
        done = subprocess.run(  # noqa: S603 - our own program
            [*wattseal_command(), *words], capture_output=True, text=True, check=False, env=ENVIRONMENT
        )
        assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (65, code)
