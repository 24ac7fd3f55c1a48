import asyncio
import base64
import io
import json
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.emsp.emsp_world import TOKEN, bundled, read_decision, read_settlement
from tests.support.charges import CPO, EMSP, ORIGIN, Pen, charge, pen, seeded
from tests.support.forking import wattseal_command
from tests.support.worlds import CSMS_KEY, EDGE_KEY, EMSP_KEY, enrolled, entry, tariff, trust

from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.bundle.tariff import tariff_to_value
from wattseal.bundle.trust import Trust
from wattseal.cli.main import run
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.token import IdToken, TokenStatus
from wattseal.seal import dcbor
from wattseal.seal.app_code import read_text
from wattseal.seal.directory import open_directory
from wattseal.seal.fields import Identity, SettlementVerdict
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import Role, Use
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys
from wattseal.stores.datadir import DataDir

PARTNER_TOKEN = "a partner's token of good length"
PARTNER = {"Authorization": "Token " + base64.b64encode(PARTNER_TOKEN.encode()).decode()}
EDGE_SEAL = SealPrivateKey.from_seed(b"E" * 32)
CARD = SoftwareCard(TOKEN.value, b"c" * 32)


def now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def trust_now() -> Trust:
    """A trust file whose entries hold today."""
    held = [
        entry(Role.EMSP, "MSP", EMSP_KEY.public.spki, "MSP/*"),
        entry(Role.EMSP, "MSP", EMSP.public.spki, "MSP/*", use=Use.SEAL),
        entry(Role.CSMS, "CPO", CSMS_KEY.public.spki, "CPO/*"),
        entry(Role.CSMS, "CPO", CPO.public.spki, "CPO/*", use=Use.SEAL),
        entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN),
        entry(Role.EDGE, "SITE", EDGE_SEAL.public.spki, ORIGIN, use=Use.SEAL),
    ]
    return trust(entries=tuple(enrolled(replace(e, from_ms=0)) for e in held))


@dataclass
class Process:
    """An eMSP process and a client of it."""

    http: aiohttp.ClientSession
    process: asyncio.subprocess.Process
    data: Path

    async def post(
        self, path: str, body: bytes | io.BytesIO, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        async with self.http.post(path, data=body, headers=PARTNER if headers is None else headers) as response:
            return response.status, await response.read()

    async def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        async with self.http.get(path, headers=self.admin if headers is None else headers) as response:
            return response.status, await response.read()

    @property
    def admin(self) -> dict[str, str]:
        return {"Authorization": "Bearer " + (self.data / "admin-token").read_text().strip()}

    async def send(self, *items: Item) -> list[Item]:
        status, body = await self.post("/wattseal/v1/items", dcbor.encode([i.encode() for i in items]))
        assert status == 200, body
        return [parse_item(answer) for answer in dcbor.decode(body)]

    async def customer(self, **fields: Any) -> tuple[int, bytes]:
        body = {"id_token": TOKEN.value, "type": TOKEN.type, "status": "Accepted", "limit": "100.00"} | fields
        return await self.post("/wattseal/v1/customers", json.dumps(body).encode(), self.admin)

    async def card_key(self, id_token: str, key: object, headers: dict[str, str] | None = None) -> int:
        body = json.dumps({"id_token": id_token, "card_key": key}).encode()
        told = self.admin if headers is None else headers
        async with self.http.put("/wattseal/v1/customers/card-key", data=body, headers=told) as response:
            return response.status

    async def sessions(self) -> list[dict[str, Any]]:
        status, body = await self.get("/wattseal/v1/sessions")
        assert status == 200
        return list(json.loads(body))


def prepare(data: Path) -> None:
    """Give an eMSP its first directory; a second start finds it there."""
    if data.exists():
        return
    with DataDir.open(data, "emsp") as home:
        home.keys.create("emsp-sign.pem", EMSP_KEY.to_pem())
        home.keys.create("emsp-seal.pem", EMSP.to_pem())
    (data / "trust.json").write_bytes(trust_now().to_json())
    (data / "emsp.toml").write_text(f'[[partners]]\nparty = "CPO"\ntoken = "{PARTNER_TOKEN}"\n')


@asynccontextmanager
async def running(data: Path, command: Sequence[str] = ()) -> AsyncIterator[Process]:
    """Run an eMSP meanwhile; `command` is what stands for the program, else a fork of one that is started already."""
    prepare(data)
    words = (*(command or wattseal_command()), "emsp", "--json", "--port", "0")
    places = ("--data", str(data), "--config", str(data / "emsp.toml"))
    process = await asyncio.create_subprocess_exec(*words, *places, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        base = json.loads(line)["http"]
        async with aiohttp.ClientSession(base) as http:
            yield Process(http, process, data)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 60)


def tariff_now() -> Item:
    desk = pen("CPO/tariffs", key=CSMS_KEY, stream=0, seed="tariffs")
    desk.write(Kind.BOOT, now_ms() - 9000)
    return desk.write(Kind.TARIFF, now_ms() - 8000, public={1: tariff_to_value(tariff())})


def request_now(desk: Pen, seed: str = "tx") -> Item:
    if not desk.items:
        desk.write(Kind.BOOT, now_ms())
    groups = {Group.IDENTITY: GroupDraft(Identity(TOKEN.value, TOKEN.type).to_fields(), (Reader("MSP", EMSP.public),))}
    return desk.write(Kind.REQUEST, now_ms(), SubjectKeys.new(seeded(seed)), groups=groups)


async def charged(emsp: Process, price_list: Item) -> tuple[Sequence[Item], bytes]:
    request = request_now(pen(stream=0, key=EDGE_KEY, seed="desk"))
    (decision,) = await emsp.send(price_list, request)
    assert read_decision(decision).status is TokenStatus.ACCEPTED
    items = charge(pen(key=EDGE_KEY), refs=(decision.hash,), at_ms=now_ms())
    others = [request, decision, price_list]
    bundle = bundled(items, others, energy_wh=None, at_s=now_ms() // 1000)
    return items, replace(bundle, entries=trust_now().entries).encode()


async def test_a_charge_is_authorised_settled_and_archived_with_no_cpo_to_ask(tmp_path: Path) -> None:
    async with running(tmp_path / "msp") as emsp:
        assert (await emsp.customer())[0] == 201
        _, bundle = await charged(emsp, tariff_now())
        status, answer = await emsp.post("/wattseal/v1/bundles", bundle)
        assert status == 200
        said = read_settlement(parse_item(answer))
        assert (said.verdict, said.grade) == (SettlementVerdict.ACCEPTED, 4)
        (session,) = await emsp.sessions()
        assert (session["status"], session["energy_wh"], session["grade"]) == ("settled", "2000", "G4")
        assert session["cost"] == {"currency": "EUR", "excl_vat": "1.34", "incl_vat": "1.61"}
        assert stat.S_IMODE((emsp.data / "admin-token").stat().st_mode) == 0o600
        status, archived = await emsp.get(f"/wattseal/v1/bundles/{session['subject']}")
        assert check_bundle(archived, trust_now()).verdict is Outcome.VALID
    assert emsp.process.returncode == 0


async def test_a_kill_after_the_decision_loses_neither_decision_nor_hold(tmp_path: Path) -> None:
    desk = pen(stream=0, key=EDGE_KEY, seed="desk")
    async with running(tmp_path / "msp", (sys.executable, "-m", "wattseal")) as emsp:
        await emsp.customer()
        request = request_now(desk)
        (decision,) = await emsp.send(request)
        os.kill(emsp.process.pid, signal.SIGKILL)
        await emsp.process.wait()
    async with running(tmp_path / "msp") as emsp:
        assert await emsp.send(request) == [decision]
        _, body = await emsp.get("/wattseal/v1/customers")
        (customer,) = json.loads(body)
        assert (customer["held"], customer["available"]) == ("50", "50.00")


async def eventually(emsp: Process, desk: Pen, wanted: TokenStatus) -> None:
    """Ask again and again until the answer is the one wanted."""
    for n in range(100):
        (decision,) = await emsp.send(request_now(desk, f"{wanted}{n}"))
        if read_decision(decision).status is wanted:
            return
        await asyncio.sleep(0.2)
    pytest.fail(f"never {wanted}")


async def test_a_station_enrolled_while_running_counts_without_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path / "msp") as emsp:
        await emsp.customer(limit="1000000")
        full = Trust.parse((emsp.data / "trust.json").read_bytes())
        (emsp.data / "trust.json").write_bytes(replace(full, entries=full.entries[:4]).to_json())
        desk = pen(stream=0, key=EDGE_KEY, seed="desk")
        await eventually(emsp, desk, TokenStatus.INVALID)
        (emsp.data / "trust.json").write_bytes(full.to_json())
        await eventually(emsp, desk, TokenStatus.ACCEPTED)


async def test_the_directory_for_an_enrolled_edge_opens_there_and_knows_the_customer(tmp_path: Path) -> None:
    async with running(tmp_path / "msp") as emsp:
        await emsp.customer()
        body = {"edge_key": base64.b64encode(EDGE_SEAL.public.spki).decode(), "days": 3, "cap_wh": 5000}
        status, data = await emsp.post("/wattseal/v1/directories", json.dumps(body).encode(), emsp.admin)
        assert status == 200
        directory = open_directory(data, ORIGIN, EMSP_KEY.public, EDGE_SEAL)
        assert directory is not None
        assert directory.has(TOKEN)
        assert not directory.has(IdToken("SOMEBODY", "ISO14443"))
        assert await emsp.card_key(TOKEN.value, CARD.spki.hex()) == 200
        _, data = await emsp.post("/wattseal/v1/directories", json.dumps(body).encode(), emsp.admin)
        directory = open_directory(data, ORIGIN, EMSP_KEY.public, EDGE_SEAL)
        assert directory is not None
        assert directory.has_card(TOKEN, CARD.spki)
        assert not directory.has(TOKEN)
        body["edge_key"] = base64.b64encode(CPO.public.spki).decode()
        status, _ = await emsp.post("/wattseal/v1/directories", json.dumps(body).encode(), emsp.admin)
        assert status == 400
        _, listed = await emsp.get("/wattseal/v1/customers")
        assert [one["card_key"] for one in json.loads(listed)] == [base64.b64encode(CARD.spki).decode()]
        tries = [(TOKEN.value, "00"), (TOKEN.value, 7), ("NOBODY", CARD.spki.hex()), (TOKEN.value, None)]
        assert [await emsp.card_key(*each) for each in tries] == [400, 400, 404, 200]
        assert await emsp.card_key(TOKEN.value, None, {}) == 401


async def test_an_app_gets_an_alias_and_codes_which_bear_the_emsps_signature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(body: dict[str, object]) -> bytes:
        return json.dumps(body).encode()

    here: dict[str, object] = {"cpo": "CPO", "station_id": "CS001", "evse_id": 1}
    async with running(tmp_path / "msp") as emsp:
        await emsp.customer(card="Blocked")
        assert (await emsp.post("/wattseal/v1/apps", asked({"id_token": "NOBODY"}), emsp.admin))[0] == 400
        status, body = await emsp.post("/wattseal/v1/apps", asked({"id_token": TOKEN.value}), emsp.admin)
        alias = json.loads(body)["alias"]
        assert (status, len(alias)) == (201, 32)
        assert json.loads((await emsp.get("/wattseal/v1/apps"))[1]) == [json.loads(body)]
        status, body = await emsp.post("/wattseal/v1/codes", asked({"alias": alias, **here}), emsp.admin)
        told = json.loads(body)
        assert (status, told["qr_svg"][:4]) == (201, "<svg")
        assert read_text(told["code"]).signed_by(EMSP_KEY.public, "CPO")
        for change in ({"alias": "00"}, {"alias": "0" * 32}, {"evse_id": 0}, {"cpo": "ELSE"}, {"valid_s": 901}):
            bad = asked({"alias": alias, **here, **change})
            assert (await emsp.post("/wattseal/v1/codes", bad, emsp.admin))[0] == 400, change
        for path in ("/wattseal/v1/apps", "/wattseal/v1/codes"):
            assert (await emsp.post(path, b"{}"))[0] == 401
    words = ["--data", str(tmp_path / "msp"), "--config", str(tmp_path / "msp" / "emsp.toml")]
    code = ["emsp", "code", *words, "--alias", alias, "--cpo", "CPO", "--station", "CS001", "--evse", "2"]
    picture = tmp_path / "code.svg"
    assert await asyncio.to_thread(run, [*code, "--out", str(picture)], io.StringIO()) == 0
    assert read_text(capsys.readouterr().out.strip()).code.evse_id == 2
    assert picture.read_text().startswith("<svg")
    block = ["emsp", "app", *words, "--id-token", TOKEN.value, "--alias", alias, "--block"]
    assert await asyncio.to_thread(run, block, io.StringIO()) == 0
    assert await asyncio.to_thread(run, code, io.StringIO()) == 65


async def test_strangers_get_nothing_and_mistakes_get_words(tmp_path: Path) -> None:
    async with running(tmp_path / "msp") as emsp:
        partner_paths = ("/wattseal/v1/items", "/wattseal/v1/bundles", "/ocpi/emsp/2.2.1/cdrs")
        for path in partner_paths:
            for headers in ({}, emsp.admin, {"Authorization": "Token wrong"}, {"Authorization": "Token"}):
                assert (await emsp.post(path, b"\x80", headers))[0] == 401, path
        for path in ("/wattseal/v1/sessions", "/wattseal/v1/customers", "/wattseal/v1/bundles/00"):
            assert (await emsp.get(path, PARTNER))[0] == 401
            assert (await emsp.get(path, {}))[0] == 401
        raw = {"Authorization": f"Token {PARTNER_TOKEN}"}
        assert (await emsp.post("/wattseal/v1/items", b"\x80", raw))[0] == 200
        bad = {"/wattseal/v1/items": b"\xff", "/wattseal/v1/bundles": b"garbage", "/ocpi/emsp/2.2.1/cdrs": b"{"}
        for path, body in bad.items():
            status, answer = await emsp.post(path, body)
            assert (status, b"Traceback" in answer) == (400, False), path
        assert (await emsp.post("/wattseal/v1/bundles", io.BytesIO(bytes(5 * 1024 * 1024))))[0] == 413
        assert (await emsp.get("/wattseal/v1/sessions/zz"))[0] == 404
        assert (await emsp.get("/healthz", {}))[0] == 200
        assert (await emsp.get("/readyz", {}))[0] == 200
        for fields in ({"status": "Great"}, {"limit": "NaN"}, {"limit": -1}, {"limit": "1e400"}, {"currency": "eur"}):
            status, answer = await emsp.customer(**fields)
            assert (status, json.loads(answer)["code"]) == (400, "bad_field"), fields
        assert await emsp.sessions() == []


def test_keys_are_made_once_for_their_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "fresh"
    assert run(["emsp", "keys", "--data", str(data), "--json"], io.StringIO()) == 0
    first = capsys.readouterr().out
    assert set(json.loads(first)) == {"sign", "seal"}
    for name in ("emsp-sign.pem", "emsp-seal.pem"):
        assert stat.S_IMODE((data / "keys" / name).stat().st_mode) == 0o600
    assert run(["emsp", "keys", "--data", str(data), "--json"], io.StringIO()) == 0
    assert capsys.readouterr().out == first


def test_the_command_writes_a_directory_that_the_edge_opens(tmp_path: Path) -> None:
    prepare(tmp_path / "msp")
    key, out = base64.b64encode(EDGE_SEAL.public.spki).decode(), tmp_path / "edge.directory"
    words = ["emsp", "directory", "--data", str(tmp_path / "msp"), "--edge-key", key, "--out", str(out)]
    assert run(words, io.StringIO()) == 0
    directory = open_directory(out.read_bytes(), ORIGIN, EMSP_KEY.public, EDGE_SEAL)
    assert directory is not None
    assert not directory.has(TOKEN)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[[partners]]\nparty = "CPO"\ntoken = "short"\n', "16 characters"),
        ('[[partners]]\nparty = "CPO"\ntokn = "x"\n', "tokn"),
        ('[[partners]]\nparty = "CPO"\ntoken = "long enough to be one"\nminimum_grade = "G9"\n', "minimum_grade"),
        ("party = [", "not a TOML file"),
        ("[emsp]\nhold = 1\n", "least_hold"),
    ],
)
def test_a_wrong_configuration_stops_the_start_with_a_sentence(tmp_path: Path, toml: str, said: str) -> None:
    prepare(tmp_path / "msp")
    (tmp_path / "msp" / "emsp.toml").write_text(toml)
    words = ["emsp", "--data", str(tmp_path / "msp"), "--port", "0", "--config", str(tmp_path / "msp" / "emsp.toml")]
    errors = io.StringIO()
    assert run(words, errors) == 78
    assert said in errors.getvalue()


def test_a_restored_directory_signs_no_second_history(tmp_path: Path) -> None:
    prepare(tmp_path / "msp")
    (tmp_path / "msp" / "RESTORED").write_text("2026-03-01T00:00:00+00:00\n")
    errors = io.StringIO()
    words = ["emsp", "--data", str(tmp_path / "msp"), "--port", "0", "--config", str(tmp_path / "msp" / "emsp.toml")]
    assert run(words, errors) == 78
    assert "archive" in errors.getvalue()


def test_without_a_trust_file_the_start_says_where_one_comes_from(tmp_path: Path) -> None:
    errors = io.StringIO()
    assert run(["emsp", "--data", str(tmp_path / "msp"), "--port", "0"], errors) == 78
    assert "registry" in errors.getvalue()
