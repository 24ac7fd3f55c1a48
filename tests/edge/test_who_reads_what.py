"""Every party's key is tried on every group of real charges: what opens is what the policy says."""

from collections.abc import Iterable, Sequence

import pytest
from tests.edge.edge_world import LOG, NOW_MS, REGISTRY, key, seal_key, seeded, site
from tests.edge.test_edge_party import run_charge
from tests.support.cpo_world import Talker, transactions
from tests.support.doc_tree import ROOT
from tests.support.memory_journal import MemoryJournal
from tests.support.paying import account, paying_world
from tests.support.proved import bundle_of, register

from wattseal.app.edge.trust import readers_for
from wattseal.base.errors import ConfigError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.parties.edge.state import Mode
from wattseal.rules.audience import FIELDS, OPENED, SEALED, Content, Party
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import SettlementVerdict
from wattseal.seal.groups import Opening, open_box, unwrap
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.registry import Entry, Registry, Role, Use
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

KEYS = {
    Party.OPERATOR: seal_key("CPO"),
    Party.EMSP: seal_key("MSP"),
    Party.ARBITER: seal_key("ARB"),
    Party.OTHER_EMSP: seal_key("OTHER"),
    Party.GRID: seal_key("DSO"),
    Party.VENDOR: seal_key("CSIO"),
    Party.WITNESS: seal_key("WITNESS"),
    Party.STRANGER: seal_key("STRANGER"),
}
_CONTENTS = {
    Group.IDENTITY: Content.IDENTITY,
    Group.METER: Content.METER,
    Group.LOAD: Content.LOAD,
    Group.RAW: Content.RAW,
}
PAGE = (ROOT / "docs" / "reference" / "readers.md").read_text()


def content_of(item: Item, gid: int) -> Content:
    if gid == Group.OPS:
        return Content.SETTLEMENT if item.payload.kind == Kind.SETTLEMENT else Content.OPS
    return _CONTENTS[Group(gid)]


def opens(item: Item, gid: int, by: SealPrivateKey, everything: Sequence[Item]) -> bool:
    """Return whether a key opens a group, with any secret of any record that it can get at."""
    found = (unwrap(other, wrapped, by) for other in everything for wrapped in other.boxes)
    return any(isinstance(open_box(item, gid, secret), Opening) for secret in (None, *found))


def settlement(subject: bytes) -> Item:
    """Return the eMSP's settlement of a charge, sealed to the operator."""
    writer = Writer.new("MSP/settlements", LOG, key("emsp"), seeded("settlement"))
    _, head = writer.append(NO_HEAD, 0, Draft(Kind.BOOT, NOW_MS, ClockQuality.SYNCHRONISED), None)
    group = GroupDraft({1: int(SettlementVerdict.ACCEPTED)}, (Reader("CPO", seal_key("CPO").public),))
    draft = Draft(Kind.SETTLEMENT, NOW_MS, ClockQuality.SYNCHRONISED, {Group.OPS: group})
    item, _ = writer.append(head, 0, draft, SubjectKeys(subject, bytes(range(32))))
    return item


def readable(items: Sequence[Item]) -> dict[Content, set[Party]]:
    found: dict[Content, set[Party]] = {}
    for item in items:
        for gid in item.boxes:
            readers = {party for party, by in KEYS.items() if opens(item, gid, by, items)}
            content = content_of(item, gid)
            assert found.setdefault(content, readers) == readers, (content, item.payload.place)
    return found


def test_a_sealed_charge_opens_for_those_the_policy_names_and_for_nobody_else() -> None:
    items = [item for item in run_charge(site()).items if item.payload.subject is not None]
    found = readable([*items, settlement(items[0].payload.subject or b"")])
    assert found == {content: set(readers) for content, readers in SEALED.items()}
    cells = [(p, name) for content, names in FIELDS.items() for name in names for p in Party]
    assert len(cells) == len(Party) * sum(map(len, FIELDS.values()))


def test_negative_control_records_that_are_only_signed_open_for_everybody() -> None:
    items = [item for item in run_charge(site(Mode.SIGNED)).items if item.payload.subject is not None]
    assert all(readers == set(Party) for readers in readable(items).values())


async def test_bundles_of_a_direct_station_open_what_the_policy_says() -> None:
    world = await paying_world()
    await register(world)
    await account(world, 100)
    driver = Talker(world, "ST1")
    number = await driver.start("CARD", 1000)
    await driver.meter(number, 2000)
    await driver.stop(number, 9000)
    (session,) = await transactions(world, "ST1")
    assert isinstance(world.journal, MemoryJournal)
    for party in (Party.EMSP, Party.STRANGER):
        bundle = await bundle_of(world, session, billing_party=party is Party.EMSP)
        items = {item.hash: item for item in (*bundle.items, *bundle.others)}
        opened = {content_of(items[one.payload_hash], one.gid) for one in bundle.openings}
        there = {content_of(i, gid) for i in items.values() for gid in i.payload.groups}
        assert opened == {content for content in there if party in OPENED[content]}
        assert not any(item.boxes for item in items.values())


@pytest.mark.parametrize("role", [Role.DSO, Role.CSIO])
def test_an_edge_seals_for_nobody_whom_the_policy_does_not_know(role: Role) -> None:
    root = key("root")
    registry = Registry({REGISTRY: root.public})
    own = (
        Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", seal_key("MSP").public.spki, Use.SEAL, 0),
        Entry(1, "NEW/*", role, "NEW", "NEW", seal_key("NEW").public.spki, Use.SEAL, 0),
    )
    assert registry.add_all([entry.issue(root, REGISTRY) for entry in own]) == []
    assert readers_for(registry, Mode.SEALED, "MSP", ("MSP",)).meter[0].party == "MSP"
    for route, seal_for in (("MSP", ("MSP", "NEW")), ("NEW", ("MSP",))):
        with pytest.raises(ConfigError) as refused:
            readers_for(registry, Mode.SEALED, route, seal_for)
        assert refused.value.code == "reader_not_entitled"


@pytest.mark.parametrize(("title", "policy"), [("Sealed", SEALED), ("Opened", OPENED)])
def test_the_page_shows_the_policy(title: str, policy: dict[Content, frozenset[Party]]) -> None:
    section = PAGE.split(f"## {title}", 1)[1].split("\n## ", 1)[0]
    assert [line for line in section.splitlines() if line.startswith("|")] == list(table(policy))


def table(policy: dict[Content, frozenset[Party]]) -> Iterable[str]:
    yield f"| group | field | {' | '.join(Party)} |"
    yield "|---|---|" + "---|" * len(Party)
    for content, names in FIELDS.items():
        for name in names:
            yield f"| {content} | {name} | {' | '.join('yes' if p in policy[content] else '' for p in Party)} |"
