"""What an edge makes of a stock station's messages, without sockets or disks."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.edge.edge_world import (
    CARD,
    LOG,
    NOW_MS,
    Emsp,
    emsp,
    end_fact,
    key,
    meter_fact,
    receipt_for,
    seal_key,
    site,
    start_fact,
)

from wattseal.bundle.build import stretch
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.edge import Heard, ended, metered, new_transaction_id, receipted, started
from wattseal.parties.edge.permits import decided, expire_permits, request, standing_permit
from wattseal.parties.edge.state import EdgeState, Mode, Site, changes, restore
from wattseal.parties.edge.step import Step, boot, heartbeat
from wattseal.seal.chain import check_chain
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.groups import Content, Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import Refusal

HEARD = Heard(b'[2,"1","StartTransaction",{"idTag":"04A2B3C4D5E680","meterStart":1000}]', NOW_MS)


def run_charge(at: Site, *, state: EdgeState | None = None, readings: int = 3) -> Step:
    """Authorise, start, meter and stop."""
    step, permit = request(state or EdgeState(), at, CARD, NOW_MS)
    granted = decided(step.state, at, emsp().decide(step.items[-1]), NOW_MS)
    assert isinstance(granted, EdgeState)
    assert permit.granted is None
    step = step.then(started(granted, at, HEARD, start_fact()))
    for n in range(readings):
        step = step.then(metered(step.state, at, HEARD, meter_fact(str(2000 + n * 1000))))
    return step.then(ended(step.state, at, HEARD, end_fact()))


def chain(step: Step, stream: int) -> list[Item]:
    return [item for item in step.items if item.payload.stream == stream]


def read(item: Item, group: Group, by: SealPrivateKey, seeds: Item) -> Content | None:
    """Return a group as the holder of `by` reads it; `seeds` is the record that hands out the group's secret."""
    secret = unwrap(seeds, group, by)
    opened = open_box(item, group, secret)
    return Content.decode(opened.content) if isinstance(opened, Opening) else None


def test_a_charge_is_one_unbroken_chain_signed_at_both_ends() -> None:
    step = run_charge(site(), readings=12)
    items = chain(step, 1)
    assert check_chain(items) == []
    kinds = [item.payload.kind for item in items]
    assert kinds == [Kind.BOOT, Kind.STARTED, *[Kind.READING] * 12, Kind.ENDED]
    signed = [index for index, item in enumerate(items) if item.signature is not None]
    assert signed == [0, 1, 11, 14]
    assert all(item.verify(key("edge").public, LOG) for item in items if item.signature is not None)


def test_request_decision_and_start_are_tied_by_hashes_and_one_pseudonym() -> None:
    step = run_charge(site())
    asked = next(item for item in step.items if item.payload.kind == Kind.REQUEST)
    start = next(item for item in step.items if item.payload.kind == Kind.STARTED)
    assert asked.payload.stream == 0
    assert start.payload.refs == (emsp().decide(asked).hash,)
    subjects = {item.payload.subject for item in step.items if item.payload.kind != Kind.BOOT}
    assert len(subjects) == 1
    assert stretch(chain(step, 1), start.payload.subject or b"")


def test_emsp_and_arbiter_read_the_meter_and_the_operator_does_not() -> None:
    step = run_charge(site())
    items = chain(step, 1)
    start, reading, end = items[1], items[2], items[-1]
    for party in ("MSP", "ARB"):
        for item, wh in ((start, 1000), (reading, 2000), (end, 17000)):
            content = read(item, Group.METER, seal_key(party), start)
            assert content is not None
            assert Meter.read(content.fields).register_wh == wh
            assert content.readers == ("MSP", "ARB")
    for item in items[1:]:
        assert read(item, Group.METER, seal_key("CPO"), start) is None
        assert read(item, Group.RAW, seal_key("CPO"), start) is None


def test_only_the_deciding_party_reads_the_token() -> None:
    step = run_charge(site())
    asked = next(item for item in step.items if item.payload.kind == Kind.REQUEST)
    start = chain(step, 1)[1]
    assert read(asked, Group.IDENTITY, seal_key("MSP"), asked) is not None
    for party in ("ARB", "CPO"):
        assert read(asked, Group.IDENTITY, seal_key(party), asked) is None
        assert read(start, Group.RAW, seal_key(party), start) is None
    assert read(start, Group.RAW, seal_key("MSP"), start) is not None


def test_the_operator_reads_what_it_runs_the_station_by() -> None:
    start = chain(run_charge(site()), 1)[1]
    content = read(start, Group.OPS, seal_key("CPO"), start)
    assert content is not None
    ops = Ops.read(content.fields)
    assert (ops.transaction_id, ops.evse_id) == ("42", 1)


def test_nothing_sent_up_tells_token_or_register() -> None:
    for message in run_charge(site()).upward:
        blob = b"".join(message.items)
        for telling in (b"04A2B3C4D5E680", b"04a2b3c4d5e680", (17000).to_bytes(2), b"17000", b"1000"):
            assert telling not in blob


def test_negative_control_signed_mode_tells_both() -> None:
    blob = b"".join(b"".join(message.items) for message in run_charge(site(Mode.SIGNED)).upward)
    assert CARD.value.encode() in blob
    assert (17000).to_bytes(2) in blob


def test_energy_drawn_between_two_sessions_shows_in_the_next_start() -> None:
    at = site()
    step = run_charge(at)
    end = step.items[-1]
    second = started(step.state, at, HEARD, start_fact("17250", "43"))
    content = read(second.items[-1], Group.METER, seal_key("MSP"), second.items[-1])
    assert content is not None
    meter = Meter.read(content.fields)
    assert (meter.unaccounted_wh, meter.prev_end) == (Decimal(250), end.hash)


def test_a_second_stop_is_kept_apart_and_the_first_one_stands() -> None:
    at = site()
    step = run_charge(at)
    again = ended(step.state, at, HEARD, end_fact("9000"))
    assert again.state.charges == step.state.charges
    assert again.items[-1].payload.stream == 0
    assert again.items[-1].payload.subject != step.items[-1].payload.subject
    assert again.state.stream(1) == step.state.stream(1)


def test_stop_of_a_transaction_never_seen_is_recorded() -> None:
    step = ended(EdgeState(), site(), HEARD, end_fact(transaction_id="-1"))
    assert [item.payload.kind for item in step.items] == [Kind.BOOT, Kind.ENDED]
    content = read(step.items[-1], Group.METER, seal_key("MSP"), step.items[-1])
    assert content is not None


def test_meter_values_of_no_transaction_stay_at_the_edge() -> None:
    step = metered(EdgeState(), site(), HEARD, meter_fact("5", None))
    assert (step.items, step.upward) == ((), ())


@pytest.mark.parametrize(
    ("by", "code"),
    [
        (Emsp(key("emsp"), log="CPO/other"), "decision_signature_invalid"),
        (Emsp(key("billing"), "CPO/billing"), "decision_by_another_party"),
        (Emsp(key("billing")), "key_enrolled_for_another_origin"),
        (Emsp(key("csms"), "CPO/csms"), "role_may_not_sign_this_kind"),
        (Emsp(key("stranger")), "unknown_key"),
    ],
)
def test_operator_cannot_decide_for_the_emsp(by: Emsp, code: str) -> None:
    at = site()
    step, _ = request(EdgeState(), at, CARD, NOW_MS)
    assert decided(step.state, at, by.decide(step.items[-1]), NOW_MS) == Refusal(code)


def test_a_decision_on_another_request_or_an_old_one_opens_nothing() -> None:
    at = site()
    step, _ = request(EdgeState(), at, CARD, NOW_MS)
    other, _ = request(EdgeState(), site(seed="other"), CARD, NOW_MS)
    elsewhere = emsp().decide(other.items[-1])
    assert decided(step.state, at, elsewhere, NOW_MS) == Refusal("decision_on_no_request_of_ours")
    old = emsp().decide(step.items[-1], expires_ms=NOW_MS)
    assert decided(step.state, at, old, NOW_MS) == Refusal("decision_expired")


def test_altered_decision_is_refused() -> None:
    at = site()
    step, _ = request(EdgeState(), at, CARD, NOW_MS)
    item = emsp().decide(step.items[-1], TokenStatus.BLOCKED)
    data = item.encode()
    at_status = data.index(item.payload.encode()[-40:])
    for offset in range(at_status, at_status + 40):
        forged = bytearray(data)
        forged[offset] ^= 1
        try:
            parsed = parse_item(bytes(forged))
        except Exception:  # noqa: BLE001, S112 - most flips are no item at all
            continue
        assert isinstance(decided(step.state, at, parsed, NOW_MS), Refusal)


def test_the_first_decision_counts() -> None:
    at = site()
    step, _ = request(EdgeState(), at, CARD, NOW_MS)
    msp = emsp()
    first = decided(step.state, at, msp.decide(step.items[-1], TokenStatus.BLOCKED), NOW_MS)
    assert isinstance(first, EdgeState)
    second = decided(first, at, msp.decide(step.items[-1]), NOW_MS)
    assert second == first


def test_a_standing_permit_serves_until_it_expires_and_only_its_token() -> None:
    at = site()
    step, _ = request(EdgeState(), at, CARD, NOW_MS)
    state = decided(step.state, at, emsp().decide(step.items[-1]), NOW_MS)
    assert isinstance(state, EdgeState)
    assert standing_permit(state, at, replace(CARD, value=" 04a2b3c4d5e680"), NOW_MS) is not None
    assert standing_permit(state, at, IdToken("OTHER", "ISO14443"), NOW_MS) is None
    assert standing_permit(state, at, CARD, NOW_MS + 600_000) is None
    assert expire_permits(state, NOW_MS + 600_000, 0).permits == {}


def test_a_decision_that_comes_late_is_named_by_the_next_record() -> None:
    at = site()
    asked, _ = request(EdgeState(), at, CARD, NOW_MS)
    step = started(asked.state, at, HEARD, start_fact())
    assert step.items[-1].payload.refs == ()
    decision = emsp().decide(asked.items[-1])
    state = decided(step.state, at, decision, NOW_MS)
    assert isinstance(state, EdgeState)
    first = metered(state, at, HEARD, meter_fact("2000"))
    assert first.items[-1].payload.refs == (decision.hash,)
    assert ended(first.state, at, HEARD, end_fact()).items[-1].payload.refs == ()


def receipt_all(step: Step, at: Site) -> EdgeState:
    state: EdgeState | Refusal = step.state
    for item in step.items:
        if item.signature is not None:
            assert isinstance(state, EdgeState)
            state = receipted(state, at, receipt_for(item), item)
    assert isinstance(state, EdgeState)
    return state


def test_keys_of_a_charge_are_destroyed_once_its_end_is_receipted() -> None:
    at = site()
    step = run_charge(at)
    seed = step.state.charges["42"].keys.seed
    state = receipt_all(step, at)
    assert state.charges == {}
    assert state.stream(1).pending == ()
    puts = changes(step.state, state, at.station_id, NOW_MS)
    forgotten = next(put for put in puts if put.kind == "edge_charge")
    assert (forgotten.key, forgotten.body, forgotten.active) == ("42", b"{}", False)
    assert seed not in b"".join(put.body for put in puts)


def test_keys_stay_while_an_earlier_record_has_no_receipt() -> None:
    at = site()
    step = run_charge(at)
    end = step.items[-1]
    state = receipted(step.state, at, receipt_for(end), end)
    assert isinstance(state, EdgeState)
    assert "42" in state.charges


@pytest.mark.parametrize(
    ("signer", "log", "code"),
    [
        ("emsp", LOG, "receipt_by_an_unknown_key"),
        ("stranger", LOG, "receipt_by_an_unknown_key"),
        ("csms", "CPO/other", "receipt_signature_invalid"),
    ],
)
def test_only_the_operators_receipt_counts(signer: str, log: str, code: str) -> None:
    at = site()
    step = boot(EdgeState(), at, NOW_MS)
    assert receipted(step.state, at, receipt_for(step.items[0], signer, log), step.items[0]) == Refusal(code)


def test_a_receipt_for_another_record_counts_for_nothing() -> None:
    at = site()
    step = run_charge(at)
    first, second = (item for item in chain(step, 1)[:2])
    assert receipted(step.state, at, receipt_for(first), second) == Refusal("receipt_for_another_record")


def test_heartbeats_state_the_first_record_without_a_receipt() -> None:
    at = site()
    step = run_charge(at)
    beat = heartbeat(step.state, at, NOW_MS + 300_000, online=True)
    told = {item.payload.stream: item.payload.public for item in beat.items}
    assert told == {0: {1: 0}, 1: {1: 0}}
    quiet = heartbeat(receipt_all(step, at), at, NOW_MS + 300_000, online=True)
    assert {item.payload.stream: item.payload.public for item in quiet.items} == {0: {1: 2}}
    assert heartbeat(step.state, at, NOW_MS + 299_999, online=True).items == ()


def test_an_unsigned_tail_is_signed_within_the_interval_even_offline() -> None:
    at = site()
    asked, _ = request(EdgeState(), at, CARD, NOW_MS)
    step = started(asked.state, at, HEARD, start_fact())
    step = step.then(metered(step.state, at, HEARD, meter_fact("2000")))
    assert step.items[-1].signature is None
    beat = heartbeat(step.state, at, NOW_MS + 300_000, online=False)
    assert [(item.payload.stream, item.payload.kind) for item in beat.items] == [(1, Kind.HEARTBEAT)]
    assert check_chain([item for item in (*step.items, *beat.items) if item.payload.stream == 1]) == []


def test_a_restart_is_a_new_epoch_that_continues_the_chain() -> None:
    at = site()
    first = boot(EdgeState(), at, NOW_MS)
    second = boot(first.state, at, NOW_MS)
    assert check_chain([*first.items, *second.items]) == []
    assert second.items[0].payload.epoch == first.items[0].payload.epoch + 1


def test_state_is_a_function_of_what_was_stored() -> None:
    at = site()
    step = run_charge(at, state=boot(EdgeState(), at, NOW_MS).state)
    other, _ = request(step.state, at, IdToken("OTHER", "ISO14443"), NOW_MS)
    puts = changes(EdgeState(), other.state, at.station_id, NOW_MS)
    assert restore(puts) == other.state


def test_transaction_ids_are_positive_int32() -> None:
    for n in range(100):
        drawn = int(new_transaction_id(EdgeState(), site(seed=str(n))))
        assert 0 < drawn < 2**31
