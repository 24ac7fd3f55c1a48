"""What must be true after a storm, whatever happened in it: the stations' acknowledgements are the oracle.

| promise | what is checked here, and by the others who are there (`actors`) |
|---|---|
| 1 nothing acknowledged is lost | each answered message of a transaction is on record; so is what others were told of |
| 2 billed at most once | each message once, each session one transaction and one bill in force, each bill one invoice |
| 3 a chain at the grade printed | a stranger checks the bundle of one bill in each storm |
| 4 accounts add up to nothing | per currency; nothing is held for nothing; accounts have what was paid in less bills |
| 5 one history of the log | every checkpoint ever shown is of the tree at the end; the witness never saw another |
| 6 omissions are told | a swallowed reading raises an alarm once others have followed, and nothing else does |
| 7 quarantined + billed + free = received | nothing waits for ever; where nothing was lost it is billed |
| 8 strangers change nothing | those of another tenant, without scope or not enrolled are refused |
| 9 the power ramp | no two changes too near each other in one life; nothing twice or for ever (`make ramp`) |
| 10 memory and floods | not here: `make bench` measures them |
| 11 state is a function of the journal | replaying gives every projection; an audit finds what the storm did |
| 12 nothing leaves its zone | no key, token or name where it may not be, nor who was erased in older records |

`test_controls.py` breaks each of them that is checked here, and sees that it is found.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator

from tests.simulation.actors.leaver import CARD
from tests.simulation.before import PAID_IN
from tests.simulation.broken import broken
from tests.simulation.checkpoints import Seen
from tests.simulation.site import Session, canonical
from tests.simulation.storm import Storm
from tests.support.cpo_world import TENANT, signing_key, transactions
from tests.support.proving import troubles
from tests.support.sound import audited, bills_in, came_to
from tests.support.worlds import trust

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome
from wattseal.dial.witness import Outcome as Asked
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.documents import ALARM, UNBILLED, every_document, read
from wattseal.flow.money.held import HOLD
from wattseal.flow.money.holds import LEEWAY_MS
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.billing import Bill, BillState
from wattseal.model.held import Held
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.recorded import read_item
from wattseal.seal.item import Kind, parse_item


async def hold(storm: Storm) -> Counter[str]:
    """Hold a storm that is over against the promises; returns what it came to, in sessions."""
    world = storm.still()
    kept = list(frames(storm))
    everything = await transactions(world)
    sessions = [one for one in everything if not one.sealed]
    _acknowledged(storm, Counter(kept), sessions)
    _log(storm)
    bills = await bills_in(world)
    await _once(storm, sessions, bills)
    await _proved(storm, world, sessions, bills)
    await _money(storm, world, sessions, bills)
    await _omitted(storm, world, sessions)
    counted = await _counted(storm, world, everything, bills)
    for actor in storm.actors:
        await actor.hold(world)
    await _function_of_the_journal(world, storm)
    _nothing_leaks(storm)
    return counted


def of(bill: Bill) -> str:
    """Return whose session a bill is of: one that takes another's place has a number behind that."""
    return bill.id.partition("-")[0]


def frames(storm: Storm) -> Iterator[str]:
    """Return the payload of each frame kept, in one spelling."""
    for kept in storm.disk.kept:
        record = read_item(parse_item(kept.item.item))
        if record.frame and not record.continued and record.kind != Kind.COMMAND:
            yield canonical(json.loads(record.frame)[3])


def _acknowledged(storm: Storm, kept: Counter[str], found: list[Transaction]) -> None:
    """Hold that each acknowledged message is recorded, and once.

    An end that came before its start is recorded again behind that, so that the chain goes from start to end.
    """
    late = {one.transaction_id for one in found if "start_late" in {finding.code for finding in one.findings}}
    erased = any(one.item.kind == Kind.ERASURE for one in storm.disk.kept)
    for site in storm.sites:
        for action, payload, token in site.acknowledged:
            if erased and token == CARD:
                continue  # what named him is gone, and his records are not
            if kept[payload] == 0:
                broken(1, f"{site.name} {action} was acknowledged and is lost: {payload}")
            told = json.loads(payload)
            again = told.get("eventType") == "Ended" and told["transactionInfo"]["transactionId"] in late
            if kept[payload] > 1 + again:
                broken(2, f"{site.name} {action} is recorded {kept[payload]} times: {payload}")


def _transaction(session: Session, found: list[Transaction]) -> Transaction:
    mine = [t for t in found if (t.station_id, t.transaction_id) == (session.station, session.number)]
    if len(mine) != 1:
        broken(2, f"{session.station} {session.number}: {len(mine)} transactions")
    return mine[0]


async def _once(storm: Storm, found: list[Transaction], bills: list[Bill]) -> None:
    physical = [session for site in storm.sites for session in site.sessions]
    if len(found) != len(physical):
        broken(2, f"{len(physical)} sessions were charged, {len(found)} are known")
    for session in physical:
        one = _transaction(session, found)
        if one.active or one.start_wh != session.start_wh or one.end_wh != session.end_wh:
            broken(1, f"{session.station} {session.number} is known with {one.start_wh} to {one.end_wh} Wh")
        mine = [bill for bill in bills if of(bill) == one.id and bill.state is BillState.BILLED]
        if len(mine) > 1:
            broken(2, f"{session.station} {session.number} is billed {len(mine)} times")
        if mine and mine[0].energy_wh != session.energy_wh:
            broken(2, f"{session.station} {session.number}: {mine[0].energy_wh} Wh billed of {session.energy_wh}")
    evidence = Counter(bill.evidence for bill in bills if bill.corrects is None)
    if twice := [name for name, count in evidence.items() if count > 1]:
        broken(2, f"evidence billed twice: {twice}")


async def _proved(storm: Storm, world: World, found: list[Transaction], bills: list[Bill]) -> None:
    """Have a stranger check the bundle of one of the bills, drawn; not what a person had billed all the same."""
    readable = {one.id for one in found if one.ruled is not RulingVerdict.BILL}
    first = [bill for bill in bills if bill.corrects is None and bill.id in readable]
    if not first:
        return
    bill = storm.dice.choice(first)
    (one,) = [t for t in found if t.id == bill.id]
    made = await assemble(world, Seen(storm.disk), one, billing_party=True)
    assert isinstance(made, Bundle), made
    report = check_bundle(made.encode(), trust())
    if report.verdict is not Outcome.VALID:
        broken(3, f"{one.station_id} {one.transaction_id} was billed, and its bundle is {report.verdict}")
    if (report.energy_wh, report.grade) != (bill.energy_wh, bill.grade):
        broken(3, f"billed {bill.energy_wh} Wh at {bill.grade}; proved {report.energy_wh} at {report.grade}")


async def _money(storm: Storm, world: World, found: list[Transaction], bills: list[Bill]) -> None:
    sums: Counter[str] = Counter()
    waiting = {one.id for one in found if one.billing is Billing.QUARANTINED}
    waiting |= {put.key for put in storm.documents(UNBILLED) if not put.active}
    holds = [read(d, Held) async for d in every_document(world.journal, world.tenant, HOLD, active=True)]
    over_ms = world.now_ms() - LEEWAY_MS
    if idle := [held for held in holds if held.id not in waiting and held.expires_ms < over_ms]:
        broken(4, f"held for nothing: {idle}")
    held_there = 0
    for balance in await storm.disk.balances(TENANT, limit=10_000):
        sums[balance.currency] += balance.debits - balance.credits
        held_there += balance.credits - balance.debits if balance.account.startswith("held/") else 0
    if held_there != sum(held.amount for held in holds):
        broken(4, f"{held_there} cent are held, for {holds}")
    if any(sums.values()):
        broken(4, f"a currency does not add up to nothing: {sums}")
    owed = [bill for bill in bills if bill.account == storm.account and bill.state is BillState.BILLED]
    left = PAID_IN - sum(int((bill.total.after_tax or 0) * 100) for bill in owed)
    await world.books.ready("EUR", (f"customer/{storm.account}",))
    there = world.books.balance(f"customer/{storm.account}", "EUR")
    if there + sum(held.amount for held in holds if held.account == storm.account) != left:
        broken(4, f"{there} cent are on the account; {left} were paid in and not charged for")


def _log(storm: Storm) -> None:
    if wrong := storm.log.forks(storm.disk.log):
        broken(5, f"a second history: {wrong}")
    if bad := [one for one in storm.log.outcomes if one in {Asked.AHEAD, Asked.INCONSISTENT}]:
        broken(5, f"the witness says {bad}")


async def _omitted(storm: Storm, world: World, found: list[Transaction]) -> None:
    """See that an omission within a session, which others of its messages followed, is an alarm.

    Where the clock was put back by a day, it may come when that is over.
    """
    raised = [read(d, Alarm) async for d in every_document(world.journal, world.tenant, ALARM)]
    told = {alarm.transaction for alarm in raised if alarm.code == "messages_missing"}
    for session in (session for site in storm.sites for session in site.sessions):
        one = _transaction(session, found)
        if session.swallowed and one.id not in told and not storm.faults.happened["clock jumped"]:
            broken(6, f"{session.station} {session.number} lacks {session.swallowed} messages, and nobody was told")
        if not session.swallowed and one.id in told:
            alarms = [a for a in raised if a.transaction == one.id and a.code == "messages_missing" and not a.over_ms]
            if alarms:
                broken(6, f"{session.station} {session.number} lacks nothing, and an alarm says so")


async def _counted(storm: Storm, world: World, found: list[Transaction], bills: list[Bill]) -> Counter[str]:
    counted = await came_to(world, Seen(storm.disk))
    if sum(counted.values()) != len(found):
        broken(7, f"{len(found)} sessions, {counted}")
    if counted[Billing.PENDING.value]:
        broken(7, f"sessions wait for ever to be billed: {counted}")
    unsettled = sum(one.party == "MSP" and one.settlement is None for one in found)
    if not 0 <= counted[Billing.BILLED.value] - len({of(bill) for bill in bills}) <= unsettled:
        broken(7, f"{len(bills)} bills, {counted}")
    calm = not any(storm.faults.happened[what] for what in TOLD)
    for session in (session for site in storm.sites for session in site.sessions if calm and session.token == "CARD"):
        one = _transaction(session, found)
        if one.id not in {bill.id for bill in bills}:
            broken(7, f"{session.station} {session.number} is {one.billing}: {one.reason}")
    return counted


async def _function_of_the_journal(world: World, storm: Storm) -> None:
    if wrong := await troubles(world):
        broken(11, f"{wrong[0]} and {len(wrong) - 1} more")
    result = await audited(world, Seen(storm.disk))
    allowed = {code for what, codes in TOLD.items() if storm.faults.happened[what] for code in codes}
    allowed |= {code for actor in storm.actors for code in actor.finds}
    allowed |= {"interrupted"} if storm.faults.happened["rebooted"] else set()
    if faults := [fault for fault in result.faults if fault.code not in allowed]:
        broken(11, f"an audit finds {faults[0]}")
    for currency, total in result.sums.items():
        if total.due != total.posted:
            broken(11, f"an audit finds {total.due} due and {total.posted} posted in {currency}")


def _nothing_leaks(storm: Storm) -> None:
    """Look for keys and drivers' tokens where neither may be: log, its files, counters, errors, other records."""
    keys = [signing_key(name).to_pem() for name in ("csms", "billing")]
    secrets = [*_TOKENS, *keys, *(_raw(pem) for pem in keys)]
    for file in storm.folder.rglob("*"):
        if file.is_file():
            _search(_WORDS.sub(b"", file.read_bytes()), secrets, f"the log's file {file.name}")
    for leaf in storm.disk.log:
        _search(leaf, secrets, "the log")
    for text in (*storm.texts, *storm.counted):
        _search(text.encode(), secrets, f"the text {text!r}")
    for kept in storm.disk.kept:
        _search(kept.item.item, secrets[len(_TOKENS) :], "a record")


TOLD = {
    "clock jumped": (
        "clock_jumped",
        "time_implausible",
        "end_before_start",
        "end_without_start",
        "missing_stop",
        "interrupted",
    ),
    "told out of order": (
        "end_without_start",
        "messages_missing",
        "missing_stop",
        "unaccounted_session",
        "charged_by_another",
    ),
    "swallowed": ("messages_missing", "sequence_gap"),
}
"""What an audit tells of a storm in which such things happened, and of no other."""
_TOKENS = (b"CARD", b"COINS", b"GUEST", b"NOBODYS")


_WORDS = re.compile(rb"[A-Za-z0-9+/]{40,}=*")
"""Signatures and hashes as text, in which any four letters come up by chance."""


def _raw(pem: bytes) -> bytes:
    return pem.splitlines()[1]


def _search(data: bytes, secrets: list[bytes], where: str) -> None:
    for secret in secrets:
        if secret in data:
            broken(12, f"{where} has {secret[:12]!r}")
