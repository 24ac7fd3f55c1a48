"""Whatever happens in whatever order: chains stay whole, state is what was stored, and receipts end the waiting."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.edge.edge_world import CARD, NOW_MS, emsp, end_fact, meter_fact, receipt_for, site, start_fact
from tests.support.examples import examples

from wattseal.model.token import IdToken
from wattseal.parties.edge.edge import Heard, ended, metered, receipted, started
from wattseal.parties.edge.permits import decided, request
from wattseal.parties.edge.state import EdgeState, Site, changes, restore
from wattseal.parties.edge.step import Step, boot, heartbeat
from wattseal.seal.chain import MAX_LINKS, check_chain, find_forks
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Refusal

TOKENS = (CARD, IdToken("OTHER", "ISO14443"))
ids = st.sampled_from(["1", "2", "3"])
events = st.one_of(
    st.tuples(st.just("boot")),
    st.tuples(st.just("request"), st.sampled_from(TOKENS)),
    st.tuples(st.just("decide")),
    st.tuples(st.just("start"), ids, st.sampled_from(TOKENS), st.integers(1, 2)),
    st.tuples(st.just("meter"), ids, st.integers(0, 9999)),
    st.tuples(st.just("stop"), ids),
    st.tuples(st.just("heartbeat"), st.booleans()),
    st.tuples(st.just("receipt")),
    st.tuples(st.just("wait"), st.integers(1, 400_000)),
)


@dataclass
class History:
    """An edge's life so far, with everything it wrote."""

    at: Site = field(default_factory=site)
    state: EdgeState = field(default_factory=EdgeState)
    items: list[Item] = field(default_factory=list)
    now_ms: int = NOW_MS

    def happen(self, event: tuple[object, ...]) -> None:
        match event:
            case ("boot",):
                self.take(boot(self.state, self.at, self.now_ms))
            case ("request", IdToken() as token):
                self.take(request(self.state, self.at, token, self.now_ms)[0])
            case ("decide",):
                self.decide()
            case ("start", str(name), IdToken() as token, int(evse)):
                self.take(started(self.state, self.at, self.heard, start_fact("1", name, token, evse)))
            case ("meter", str(name), int(wh)):
                self.take(metered(self.state, self.at, self.heard, meter_fact(str(wh), name)))
            case ("stop", str(name)):
                self.take(ended(self.state, self.at, self.heard, end_fact(transaction_id=name)))
            case ("heartbeat", bool(online)):
                self.take(heartbeat(self.state, self.at, self.now_ms, online=online))
            case ("receipt",):
                self.receipt()
            case ("wait", int(ms)):
                self.now_ms += ms

    @property
    def heard(self) -> Heard:
        return Heard(b'[2,"1","X",{}]', self.now_ms)

    def take(self, step: Step) -> None:
        puts = changes(self.state, step.state, self.at.station_id, self.now_ms)
        before = changes(EdgeState(), self.state, self.at.station_id, self.now_ms)
        stored = {(put.kind, put.key): put for put in (*before, *puts)}
        assert restore(put for put in stored.values() if put.active) == step.state
        assert tuple(i.encode() for i in step.items) == tuple(data for up in step.upward for data in up.items)
        self.state = step.state
        self.items.extend(step.items)

    def decide(self) -> None:
        asked = [item for item in self.items if item.payload.kind == Kind.REQUEST]
        if asked:
            outcome = decided(self.state, self.at, emsp().decide(asked[-1], expires_ms=2**50), self.now_ms)
            self.state = self.state if isinstance(outcome, Refusal) else outcome

    def receipt(self) -> None:
        waiting = {(s.number, *place) for s in self.state.streams.values() for place in s.pending}
        for item in self.items:
            if item.signature is not None and item.payload.place[1:] in waiting:
                outcome = receipted(self.state, self.at, receipt_for(item), item)
                assert isinstance(outcome, EdgeState)
                self.state = outcome
                return


@settings(max_examples=examples(60))
@given(st.lists(events, max_size=40))
def test_chains_stay_whole_and_receipts_end_the_waiting(story: list[tuple[object, ...]]) -> None:
    history = History()
    for event in story:
        history.happen(event)
        history.happen(("heartbeat", False))
    history.now_ms += 300_000
    history.take(heartbeat(history.state, history.at, history.now_ms, online=True))
    assert find_forks(history.items) == []
    for number, stream in history.state.streams.items():
        chain = [item for item in history.items if item.payload.stream == number]
        assert check_chain(chain) == []
        assert stream.head.links <= MAX_LINKS
    for _ in history.items:
        history.receipt()
    assert all(stream.pending == () for stream in history.state.streams.values())
    assert all(charge.end is None for charge in history.state.charges.values())


def test_negative_control_a_dropped_item_is_seen() -> None:
    history = History()
    for event in (("start", "1", CARD, 1), ("meter", "1", 5), ("meter", "1", 6), ("stop", "1")):
        history.happen(event)
    chain = [item for item in history.items if item.payload.stream == 1]
    assert check_chain(chain) == []
    for gone in range(1, len(chain) - 1):
        assert check_chain(chain[:gone] + chain[gone + 1 :])


def test_negative_control_a_forgotten_head_forks_the_chain() -> None:
    history = History()
    history.happen(("start", "1", CARD, 1))
    before = history.state
    history.happen(("stop", "1"))
    history.state = replace(before)
    history.happen(("start", "2", CARD, 1))
    assert find_forks(history.items)
