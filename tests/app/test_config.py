import io
import json
from pathlib import Path

import pytest

from wattseal.app.config import load_settings, redacted
from wattseal.app.settings import EdgeMode
from wattseal.app.settings_base import Secret
from wattseal.base.errors import ConfigError
from wattseal.cli.main import run

PARTNER = '[[partners]]\nparty = "MSP"\ntoken = "hunter2"\n'


def config(folder: Path, text: str) -> Path:
    path = folder / "wattseal.toml"
    path.write_text(text)
    return path


def test_without_file_and_environment_there_are_defaults_on_loopback() -> None:
    settings = load_settings(None, {})
    assert settings.serve.host == settings.emsp.host == "127.0.0.1"
    assert settings.edge.mode is EdgeMode.SEALED
    assert settings.partners == ()


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    path = config(tmp_path, "[log]\nmmd_s = 60\ncheckpoint_interval_s = 2\n")
    settings = load_settings(path, {"WATTSEAL_LOG__MMD_S": "5", "WATTSEAL_VECTORS": "/x", "WATTSEAL_PORT": "1"})
    assert settings.log.mmd_s == 5
    assert settings.log.checkpoint_interval_s == 2
    assert settings.heartbeat.interval_s == 300


def test_lists_and_numbered_tables_can_be_set_by_the_environment(tmp_path: Path) -> None:
    environment = {
        "WATTSEAL_EDGE__SEAL_FOR": "MSP, ARB",
        "WATTSEAL_PARTNERS__0__URL": "http://127.0.0.1:1",
        "WATTSEAL_PARTNERS__1__PARTY": "ADD",
        "WATTSEAL_PARTNERS__1__TOKEN": "t",
    }
    settings = load_settings(config(tmp_path, PARTNER), environment)
    assert settings.edge.seal_for == ("MSP", "ARB")
    assert [(p.party, p.url) for p in settings.partners] == [("MSP", "http://127.0.0.1:1"), ("ADD", None)]
    alone = load_settings(None, {"WATTSEAL_PARTNERS__0__PARTY": "X", "WATTSEAL_PARTNERS__0__TOKEN": "t"})
    assert [p.party for p in alone.partners] == ["X"]


def test_a_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from file\n")
    path = config(tmp_path, '[[partners]]\nparty = "MSP"\ntoken_file = "token"\n')
    assert load_settings(path, {}).partners[0].token.reveal() == "from file"
    (tmp_path / "other").write_text("mounted")
    mounted = {"WATTSEAL_PARTNERS__0__TOKEN_FILE": str(tmp_path / "other")}
    assert load_settings(path, mounted).partners[0].token.reveal() == "mounted"
    assert load_settings(path, {"WATTSEAL_PARTNERS__0__TOKEN": "set"}).partners[0].token.reveal() == "set"


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    path = config(tmp_path, '[trust]\nfile = "trust.json"\n')
    assert load_settings(path, {}).trust.file == tmp_path / "trust.json"
    assert load_settings(path, {"WATTSEAL_TRUST__FILE": "t.json"}).trust.file == Path("t.json")


@pytest.mark.parametrize(
    ("text", "environment", "subject", "says"),
    [
        ("[log]\nmdm_s = 1\n", {}, "log.mdm_s", "did you mean mmd_s?"),
        ("[lgo]\n", {}, "lgo", "unknown key lgo: did you mean log?"),
        (PARTNER + "bogus = 1\n", {}, "partners.0.bogus", "known here: party, token, url"),
        ("", {"WATTSEAL_LOG__MDM_S": "1"}, "log.mdm_s", "did you mean mmd_s?"),
        ("[log]\nmmd_s = 0\n", {}, "", "log.mmd_s"),
        ("", {"WATTSEAL_SERVE__OCPP_PORT": "70000"}, "", "serve.ocpp_port"),
        ("", {"WATTSEAL_LOGGING__LEVEL": "loud"}, "", "logging.level"),
        ("[[partners]]\nparty = 'A/B'\ntoken = 't'\n", {}, "", "partners[0].party"),
        ("[[partners]]\nparty = 'A'\n", {}, "", "token"),
        ("", {"WATTSEAL_PARTNERS__1__PARTY": "A"}, "WATTSEAL_PARTNERS__1", "numbered from 0"),
        ("", {"WATTSEAL_LOG": "x", "WATTSEAL_LOG__MMD_S__X": "1"}, "", "log.mmd_s"),
        ("", {"WATTSEAL_LOG__MMD_S": "1", "WATTSEAL_LOG__MMD_S__X": "1"}, "WATTSEAL_LOG__MMD_S__X", "another variable"),
        (PARTNER + "token_file = 'x'\n", {}, "partners.0.token_file", "not both"),
        ("[edge]\npassword_file = 'absent'\n", {}, "edge.password_file", "cannot read the secret's file"),
        ("[log", {}, "wattseal.toml", "not a TOML file"),
        ("log = 3\n", {}, "", "log"),
    ],
)
def test_what_is_wrong_is_refused_and_named(
    tmp_path: Path, text: str, environment: dict[str, str], subject: str, says: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(config(tmp_path, text), environment)
    assert says in str(caught.value)
    assert subject in caught.value.subject
    assert "hunter2" not in str(caught.value)


def test_a_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_settings(tmp_path / "absent.toml", {})


def test_secrets_are_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, PARTNER + '[edge]\npassword = "hunter3"\n')
    settings = load_settings(path, {})
    assert settings.partners[0].token.reveal() == "hunter2"  # the control: it is there to be leaked
    errors = io.StringIO()
    assert run(["config", "show", "--redacted", "--config", str(path)], errors) == 0
    assert run(["config", "show", "--json", "--config", str(path)], errors) == 0
    shown = capsys.readouterr().out + errors.getvalue() + repr(settings) + str(redacted(settings)) + str(Secret("x"))
    assert "hunter" not in shown
    assert "***" in shown


def test_what_is_shown_can_be_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, PARTNER + '[edge]\nseal_for = ["MSP"]\n')
    assert run(["config", "show", "--config", str(path)], io.StringIO()) == 0
    again = config(tmp_path, capsys.readouterr().out)
    assert redacted(load_settings(again, {})) == redacted(load_settings(path, {}))


def test_config_check_says_whether_a_process_would_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = config(tmp_path, PARTNER)
    assert run(["config", "check", "--config", str(good), "--json"], io.StringIO()) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True}
    errors = io.StringIO()
    assert run(["config", "check", "--config", str(config(tmp_path, "[log]\nmdm_s = 1\n"))], errors) == 78
    assert "did you mean mmd_s?" in errors.getvalue()
    broken = config(tmp_path, '[trust]\nfile = "trust.json"\n')
    (tmp_path / "trust.json").write_text("{}")
    assert run(["config", "check", "--config", str(broken)], io.StringIO()) == 65
    key = config(tmp_path, '[[witnesses]]\nvkey = "x"\nurl = "http://127.0.0.1:1"\nparty = "MSP"\n')
    assert run(["config", "check", "--config", str(key)], io.StringIO()) == 65
