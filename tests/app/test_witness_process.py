"""The witness over real HTTP, in its own process."""

import asyncio
import signal
import stat
from pathlib import Path

import pytest
from tests.app.witness_world import process, running
from tests.log.log_world import LOG_KEY, ORIGIN, Forest, entries, entry, signed_checkpoint, signing_key

from wattseal.base.errors import ConfigError
from wattseal.dial.witness import Outcome, WitnessClient, WitnessPeer, with_cosignatures
from wattseal.log import merkle
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import SignatureType
from wattseal.log.note import Signature
from wattseal.log.witness import AddCheckpoint, origin_hash
from wattseal.stores.witness import WitnessStore

FOREST = Forest(entries(200))
FORKED = Forest([*entries(10), b"changed", *(entry(number) for number in range(11, 200))])
NEW_KEY = signing_key("witness.test/new", SignatureType.COSIGNATURE_ED25519)

LOG = str(LOG_KEY.verifier)


def request(old: int, new: int, forest: Forest = FOREST) -> bytes:
    return AddCheckpoint(old, merkle.consistency_proof(old, new, forest), signed_checkpoint(forest, new)).encode()


async def test_every_status_of_the_protocol_is_given_over_http(tmp_path: Path) -> None:
    stranger = signed_checkpoint(FOREST, 5, signing_key("other.test/log"))
    unsigned = type(stranger.note)(signed_checkpoint(FOREST, 5).note.text, (Signature(ORIGIN, b"abcd", bytes(64)),))
    async with running(tmp_path, LOG) as witness:
        status, _, body = await witness.post(request(0, 20))
        assert status == 200
        assert body.startswith("— ".encode() + witness.peer.key.name.encode())
        assert await witness.post(request(0, 30)) == (409, "text/x.tlog.size", b"20\n")
        assert (await witness.post(request(20, 30, FORKED)))[0] == 422
        assert (await witness.post(b"nonsense"))[0] == 400
        assert (await witness.post(AddCheckpoint(20, (), signed_checkpoint(FOREST, 9)).encode()))[0] == 400
        assert (await witness.post(AddCheckpoint(0, (), stranger).encode()))[0] == 404
        assert (await witness.post(b"old 0\n\n" + unsigned.encode()))[0] == 403
        assert (await witness.post(b"a" * 1_000_000))[0] == 413
        assert (await witness.post(request(20, 30)))[0] == 200
        assert (await witness.get("/add-checkpoint"))[0] == 405


async def test_monitors_read_the_latest_cosigned_checkpoint(tmp_path: Path) -> None:
    path = f"/{origin_hash(ORIGIN)}/checkpoint"
    async with running(tmp_path, LOG) as witness:
        assert (await witness.get(path))[0] == 404
        await witness.post(request(0, 20))
        status, body = await witness.get(path)
        signed = SignedCheckpoint.parse(body)
        assert (status, signed.checkpoint.size) == (200, 20)
        assert len(cosignatures(signed.note, [witness.peer.key])) == 1
        for bad in ("/../key/checkpoint", "/%2e%2e/checkpoint", f"/{'A' * 64}/checkpoint", "/key", "/trusted-logs"):
            assert (await witness.get(bad))[0] == 404
        status, body = await witness.get("/healthz")
        assert (status, body.decode().strip()) == (200, str(witness.peer.key))


async def test_what_was_cosigned_outlives_kill_nine(tmp_path: Path) -> None:
    for old, new in ((0, 20), (20, 50), (50, 51)):
        async with process(tmp_path, LOG) as (witness, child):
            if old:
                assert await witness.post(request(0, 60, FORKED)) == (409, "text/x.tlog.size", b"%d\n" % old)
                assert (await witness.post(request(old, 60, FORKED)))[0] == 422
            assert (await witness.post(request(old, new)))[0] == 200
            child.send_signal(signal.SIGKILL)
            await child.wait()


async def test_the_process_ends_at_sigterm_with_success(tmp_path: Path) -> None:
    async with process(tmp_path) as (witness, child):
        assert (tmp_path / "vkey").read_text().strip() == str(witness.peer.key)
        child.terminate()
        assert await child.wait() == 0


async def test_a_client_is_led_from_409_to_a_cosignature(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        assert (await witness.ask(FOREST, 20)).outcome is Outcome.COSIGNED
        asked = await witness.ask(FOREST, 77)
        assert asked.outcome is Outcome.COSIGNED
        cosigned = with_cosignatures(signed_checkpoint(FOREST, 77), [asked])
        assert [one.key for one in cosignatures(cosigned.note, [witness.peer.key])] == [witness.peer.key]


async def test_a_rolled_back_log_and_a_forked_one_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        await witness.ask(FOREST, 77)
        back = await witness.ask(FOREST, 50)
        assert (back.outcome, back.size) == (Outcome.AHEAD, 77)
        assert (await witness.ask(FORKED, 99)).outcome is Outcome.INCONSISTENT
        assert (await witness.ask(FORKED, 77)).outcome is Outcome.INCONSISTENT
        # Negative control: a witness that never saw the log has nothing to object.
    async with running(tmp_path / "fresh", LOG) as fresh:
        assert (await fresh.ask(FORKED, 99)).outcome is Outcome.COSIGNED


async def test_racing_submissions_never_roll_a_log_back(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        await witness.post(request(0, 20))
        answers = await asyncio.gather(*(witness.post(request(20, size)) for size in range(21, 61)))
        assert sorted(status for status, _, _ in answers) == [200] + [409] * 39
        (won,) = [number for number, (status, _, _) in enumerate(answers, start=21) if status == 200]
        assert {body for status, _, body in answers if status == 409} == {b"%d\n" % won}


async def test_a_log_is_trusted_without_a_restart_and_a_broken_list_cosigns_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as witness:
        assert (await witness.ask(FOREST, 20)).outcome is Outcome.REFUSED
        (tmp_path / "trusted-logs").write_text(f"# logs of the site\n{LOG}\n")
        assert (await witness.ask(FOREST, 20)).outcome is Outcome.COSIGNED
        (tmp_path / "trusted-logs").write_text("not a vkey\n")
        assert (await witness.ask(FOREST, 30)).outcome is Outcome.UNREACHABLE


async def test_a_damaged_memory_cosigns_nothing_rather_than_start_over(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        await witness.post(request(0, 20))
    state = tmp_path / "logs" / origin_hash(ORIGIN) / "checkpoint"
    for damaged in (b"", signed_checkpoint(FORKED, 5).encode()):
        state.write_bytes(damaged)
        async with running(tmp_path, LOG) as witness:
            assert (await witness.post(request(0, 60)))[0] == 503


async def test_an_answer_under_another_key_is_no_cosignature(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        witness.peer = WitnessPeer(witness.peer.url, NEW_KEY.verifier)
        assert (await witness.ask(FOREST, 20)).outcome is Outcome.BAD_ANSWER


async def test_a_dead_witness_is_unreachable_and_the_others_still_count(tmp_path: Path) -> None:
    async with running(tmp_path, LOG) as witness:
        dead = WitnessPeer("http://127.0.0.1:1", NEW_KEY.verifier)
        client = WitnessClient(witness.http, [dead, witness.peer])
        signed = signed_checkpoint(FOREST, 20)
        asked = await client.collect(signed, lambda old, new: merkle.consistency_proof(old, new, FOREST))
        assert [one.outcome for one in asked] == [Outcome.UNREACHABLE, Outcome.COSIGNED]


async def test_the_key_is_made_once_kept_secret_and_named(tmp_path: Path) -> None:
    async with running(tmp_path) as witness:
        first = witness.peer.key
    assert (tmp_path / "vkey").read_text().strip() == str(first)
    assert stat.S_IMODE((tmp_path / "keys" / "witness.pem").stat().st_mode) == 0o600
    async with running(tmp_path) as witness:
        assert witness.peer.key == first
        with pytest.raises(ConfigError) as caught:
            WitnessStore.open(tmp_path, NEW_KEY)
        assert caught.value.code == "directory_in_use"
    with pytest.raises(ConfigError) as caught:
        WitnessStore.open(tmp_path, NEW_KEY, name="another")
    assert caught.value.code == "witness_name_differs"


def test_a_witness_that_lost_its_key_or_name_does_not_get_a_new_identity(tmp_path: Path) -> None:
    store = WitnessStore.open(tmp_path, NEW_KEY)
    store.save(signed_checkpoint(FOREST, 5))
    store.close()
    for lost, code in (("vkey", "bad_witness_key"), ("keys/witness.pem", "witness_key_lost")):
        (tmp_path / lost).rename(tmp_path / "away")
        with pytest.raises(ConfigError) as caught:
            WitnessStore.open(tmp_path, signing_key("x", SignatureType.COSIGNATURE_ED25519))
        assert caught.value.code == code
        (tmp_path / "away").rename(tmp_path / lost)


def test_a_first_start_that_was_cut_short_is_begun_again(tmp_path: Path) -> None:
    WitnessStore.open(tmp_path, NEW_KEY).close()
    (tmp_path / "vkey").unlink()
    store = WitnessStore.open(tmp_path, signing_key("again", SignatureType.COSIGNATURE_ED25519))
    assert store.key.name == "again"
    store.close()


def test_a_vkey_file_of_another_key_is_refused(tmp_path: Path) -> None:
    WitnessStore.open(tmp_path, NEW_KEY).close()
    (tmp_path / "vkey").write_text(str(signing_key("x", SignatureType.COSIGNATURE_ED25519).verifier))
    with pytest.raises(ConfigError) as caught:
        WitnessStore.open(tmp_path, NEW_KEY)
    assert caught.value.code == "bad_witness_key"
