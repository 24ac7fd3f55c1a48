import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from wattseal.base.errors import ConfigError, InputError
from wattseal.bundle.trust import Trust
from wattseal.cli.registry import app
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.log.keys import SignatureType, VerifierKey
from wattseal.seal.item import Kind
from wattseal.seal.registry import Entry, Role, Use
from wattseal.stores.registry_home import RegistryHome

EMSP = SigningKey.from_seed(Algorithm.ED25519, b"m" * 32)
SEAL = SealPrivateKey.from_seed(b"m" * 32)
EDGE = SigningKey.from_seed(Algorithm.ESP256, b"e" * 32)
W1 = VerifierKey("localhost/w1", SignatureType.COSIGNATURE_ED25519, EMSP.public.spki[12:])
LOG = VerifierKey("CPO/log", SignatureType.ED25519, SigningKey.from_seed(Algorithm.ED25519, b"l" * 32).public.spki[12:])


def run(*words: object) -> None:
    app([str(word) for word in words], exit_on_error=False, result_action="return_value")


def spki(key: Any) -> str:
    return base64.b64encode(key.public.spki).decode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    run("init", "--data", tmp_path / "reg", "--name", "reg", "--party", "REG")
    return tmp_path / "reg"


def enrol_emsp(home: Path) -> None:
    named = ("--origin", "MSP/*", "--role", "emsp", "--party", "MSP")
    run(
        "entry",
        "--data",
        home,
        *named,
        "--key",
        spki(EMSP),
        "--from",
        "2026-01-01T00:00:00Z",
        "--out",
        home / "m.entry",
    )
    run("entry", "--data", home, *named, "--key", spki(SEAL), "--use", "seal", "--out", home / "s.entry")


def request_edge(home: Path) -> Path:
    path = home / "edge.request"
    named = ("--origin", "CPO/CS001", "--role", "edge", "--party", "SITE", "--custodian", "SITE")
    run("request", *named, "--key", spki(EDGE), "--from", "2026-01-01T00:00:00Z", "--registry", "reg", "--out", path)
    return path


def test_the_root_key_is_readable_by_its_owner_only(home: Path) -> None:
    assert stat.S_IMODE((home / "keys" / "root.pem").stat().st_mode) == 0o600


def test_a_registry_is_never_made_twice(home: Path) -> None:
    before = (home / "keys" / "root.pem").read_bytes()
    with pytest.raises(ConfigError):
        run("init", "--data", home)
    assert (home / "keys" / "root.pem").read_bytes() == before


def test_from_nothing_to_a_trust_file_with_an_edge_in_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrol_emsp(home)
    request = request_edge(home)
    (home / "emsp-sign.pem").write_bytes(EMSP.to_pem())
    run("consent", "--key", home / "emsp-sign.pem", "--request", request, "--out", home / "edge.consent")
    armoured = home / "edge.consent.txt"
    armoured.write_bytes(base64.encodebytes((home / "edge.consent").read_bytes()))
    run("entry", "--data", home, "--request", request, "--consent", armoured, "--out", home / "edge.entry")
    trust_file = home / "trust.json"
    keys = ("--log", f"{LOG}=CPO", "--witness", f"{W1}=MSP", "--quorum", "1")
    run("trust-file", "--data", home, *keys, "--out", trust_file)
    registry = Trust.parse(trust_file.read_bytes()).registry()
    assert isinstance(registry.signer(EDGE.public.kid, "CPO/CS001", Kind.ENDED, 2_000_000_000_000), Entry)
    reader = registry.reader_key("MSP")
    assert reader is not None
    assert reader.spki == SEAL.public.spki
    capsys.readouterr()
    run("list", "--data", home, "--json")
    assert [e["role"] for e in json.loads(capsys.readouterr().out)] == ["emsp", "emsp", "edge"]


def test_an_edge_without_consent_is_refused_and_nothing_is_written(home: Path) -> None:
    enrol_emsp(home)
    with pytest.raises(InputError, match="consent"):
        run("entry", "--data", home, "--request", request_edge(home), "--out", home / "edge.entry")
    assert not (home / "edge.entry").exists()
    assert len(list((home / "entries").iterdir())) == 2


def test_a_revoked_key_is_revoked_in_the_trust_file(home: Path) -> None:
    enrol_emsp(home)
    run("revoke", "--data", home, "--kid", EMSP.public.kid.hex(), "--from", "2026-02-01T00:00:00Z", "--out", home / "r")
    keys = ("--log", f"{LOG}=CPO", "--witness", f"{W1}=MSP", "--quorum", "1")
    run("trust-file", "--data", home, *keys, "--out", home / "trust.json")
    entries = Trust.parse((home / "trust.json").read_bytes()).registry().entries()
    assert [e.revoked_ms for e in entries if e.spki == EMSP.public.spki] == [1_769_904_000_000]


def test_a_request_for_another_registry_is_not_issued_here(home: Path) -> None:
    enrol_emsp(home)
    path = home / "other.request"
    named = ("--origin", "CPO/*", "--role", "csms", "--party", "CPO", "--custodian", "CPO")
    run("request", *named, "--key", spki(EDGE), "--registry", "elsewhere", "--out", path)
    with pytest.raises(InputError, match="elsewhere"):
        run("entry", "--data", home, "--request", path, "--out", home / "x")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["revoke", "--kid", "zz", "--out", "x"], "16 hex digits"),
        (["entry", "--out", "x"], "--request"),
        (
            ["entry", "--origin", "nonsense", "--role", "csms", "--party", "P", "--key", spki(EDGE), "--out", "x"],
            "origin",
        ),
        (["entry", "--origin", "P/*", "--role", "csms", "--party", "P", "--key", "nokey", "--out", "x"], "public key"),
        (["entry", "--request", "/nowhere/at/all", "--out", "x"], "cannot read"),
    ],
)
def test_mistakes_are_answered_with_words(home: Path, words: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(words[0], "--data", home, *words[1:])


def test_a_version_taken_by_another_writer_is_not_overwritten(home: Path) -> None:
    registry = RegistryHome(home)
    enrolments = registry.open()
    described = Entry(0, "MSP/*", Role.EMSP, "MSP", "MSP", EMSP.public.spki, Use.SIGN, from_ms=1)
    first, _ = enrolments.issue(described)
    second, _ = enrolments.issue(Entry(0, "MSP/*", Role.EMSP, "MSP", "MSP", SEAL.public.spki, Use.SEAL, from_ms=1))
    registry.keep(first)
    with pytest.raises(ConfigError, match="try again"):
        registry.keep(second)
    assert registry.open().issued == (first,)


def test_a_version_taken_by_a_writer_that_crashed_is_free_again(home: Path) -> None:
    (home / "entries" / "00000001.entry").touch()
    enrol_emsp(home)
    assert len(RegistryHome(home).open().issued) == 2


def test_a_place_that_is_no_registry_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="registry init"):
        run("list", "--data", tmp_path)
