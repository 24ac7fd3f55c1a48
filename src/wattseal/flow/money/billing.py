"""Billing: each ended session is looked at until it is billed once, is free, or is quarantined with its reason.

A bill is a posting in the ledger, keyed by the hash of what was measured, and a document; both are one commit. Whatever
tells of the same charge again finds the key taken and is quarantined as billed before.
"""

from dataclasses import dataclass

from wattseal.base.errors import InputError, StoreError
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.documents import UNBILLED, Unbilled, put_unbilled, read, removal
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money import ledger
from wattseal.flow.money.bills import bill_of, billed_evidence, keep_bill
from wattseal.flow.money.due import Due, due_of
from wattseal.flow.money.holds import given_back, release, release_transfers
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import Flush, Put
from wattseal.flow.step import Step
from wattseal.flow.turn import find_in_memory, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.ledger import Posting
from wattseal.model.rollup import SessionState
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing import AWAITING_CHECKPOINT, BILLED_BEFORE, Standing
from wattseal.rules.charge_posting import ChargeFor, charge_posting, minor
from wattseal.rules.evidence_hash import evidence_hash
from wattseal.rules.revenue_split import split

PAGE = 200
"""Sessions looked at together; their commits are one group of the journal."""
FREE_PAGES, REST_MS, MAX_REST_MS = 5, 100, 60_000
"""So many pages are read in every round. Where more of them wait, rounds rest for each page more, a minute at most."""
FIRST_PATIENCE_MS, MAX_PATIENCE_MS = 1000, 60_000
"""What waits is looked at again after so long, twice as long each time, or at once when something about it changes.

What waits for the log alone is looked at when a checkpoint was kept, and else after the longest time.
"""


@dataclass(frozen=True, slots=True)
class _Waits:
    """A session that waits: the version of its document that was looked at, until when, and for how long.

    `log` is what its grade waits for: the state of the log is no longer this one; None where it waits for others.
    """

    seen_ms: int
    until_ms: int
    patience_ms: int
    log: int | None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to, in sessions."""

    billed: int = 0
    free: int = 0
    quarantined: int = 0
    pending: int = 0


class Biller:
    """Looks at what is to be billed, a page at a time; what has to wait is looked at again in a later round."""

    def __init__(self, world: World, proofs: Proofs) -> None:
        self._world = world
        self._proofs = proofs
        self._flushes: list[Flush] = []
        self._evidence: set[bytes] = set()
        self._waiting: dict[str, _Waits] = {}
        self._for_the_log: set[str] = set()
        self._looked_at: list[str] = []
        self._rests_until_ms = 0

    async def round(self) -> Round:
        """Look at everything once; durable on return. Raises `StoreError`.

        Tens of thousands that wait for the log would be read every second: then it rests between, and looks at nothing.
        """
        if 0 < self._rests_until_ms - self._world.now_ms() <= MAX_REST_MS:
            return Round()
        counted = dict.fromkeys(Billing, 0)
        after, pages = "", 0
        while page := await self._due(after):
            pages += 1
            try:
                for document in page:
                    came_to = Billing.PENDING if self._is_patient(document) else await self._look(document)
                    if came_to is not None:
                        counted[came_to] += 1
            finally:
                await self._flushed()
            after = page[-1].key
        if pages > FREE_PAGES:
            self._rests_until_ms = self._world.now_ms() + min(REST_MS * (pages - FREE_PAGES), MAX_REST_MS)
        return Round(
            counted[Billing.BILLED],
            counted[Billing.FREE],
            counted[Billing.QUARANTINED],
            counted[Billing.PENDING],
        )

    async def _due(self, after: str) -> tuple[Put, ...]:
        world = self._world
        return await world.journal.documents(world.tenant, UNBILLED, active=True, after=after, limit=PAGE)

    def _is_patient(self, document: Put) -> bool:
        waits = self._waiting.get(document.key)
        if waits is None or waits.seen_ms != document.updated_at_ms:
            return False
        if waits.log is not None and waits.log != self._proofs.state():
            return False
        left_ms = waits.until_ms - self._world.now_ms()
        return 0 < left_ms <= waits.patience_ms  # more is left where the clock was put back

    def _wait(self, document: Put, log: int | None) -> None:
        """Wait; for the log at most until a bill waits no longer for it."""
        waits, now_ms = self._waiting.get(document.key), self._world.now_ms()
        patience_ms = FIRST_PATIENCE_MS
        left_ms = self._world.settings.billing.wait_ms - abs(now_ms - read(document, Unbilled).since_ms)
        if log is not None and left_ms > 0:
            patience_ms = min(left_ms, MAX_PATIENCE_MS)
        elif waits is not None and waits.seen_ms == document.updated_at_ms:
            patience_ms = min(2 * waits.patience_ms, MAX_PATIENCE_MS)
        self._waiting[document.key] = _Waits(document.updated_at_ms, now_ms + patience_ms, patience_ms, log)

    async def _flushed(self) -> None:
        """Wait until all that was decided is durable; until then nobody else decides on these sessions."""
        flushes, self._flushes = self._flushes, []
        try:
            for flush in flushes:
                await flush
        except StoreError:
            self._world.forget()
            raise
        finally:
            self._evidence.clear()
            self._world.deciding.difference_update(self._looked_at)
            self._looked_at.clear()

    async def _look(self, document: Put) -> Billing | None:
        """Decide on one session; None where somebody else is deciding on it right now."""
        world = self._world
        if document.key in world.deciding:
            return None
        world.deciding.add(document.key)
        self._looked_at.append(document.key)
        log = self._proofs.state()
        try:
            came_to = await self._decide(document)
        except InputError as error:
            world.count(f"billing_{error.code}")
            came_to = Billing.PENDING
        if came_to is Billing.PENDING:
            self._wait(document, log if document.key in self._for_the_log else None)
        else:
            self._waiting.pop(document.key, None)
        self._for_the_log.discard(document.key)
        return came_to

    async def _decide(self, document: Put) -> Billing:
        world = self._world
        transaction = await transaction_by_id(world, document.key)
        if transaction is None or transaction.active:
            return Billing.PENDING
        if await bill_of(world, transaction.id) is not None:
            return await self._leave(transaction, (Billing.BILLED, None))
        noted = read(document, Unbilled)
        due = await due_of(world, self._proofs, transaction, world.now_ms() - noted.since_ms)
        if isinstance(due, Due):
            return await self._bill(transaction, due, noted)
        if due == (Billing.PENDING, AWAITING_CHECKPOINT):
            self._for_the_log.add(document.key)
        if due[0] in {Billing.FREE, Billing.BILLED}:
            return await self._leave(transaction, due)
        return await self._keep(transaction, due, noted)

    async def _keep(self, transaction: Transaction, standing: Standing, noted: Unbilled) -> Billing:
        """Keep a session in the queue; one that is quarantined is looked at again when something about it changes."""
        billing, reason = standing
        if billing is Billing.PENDING or self._changed(transaction):
            return Billing.PENDING
        step = Step(self._world, transaction.station_id, self._world.now_ms())
        step.puts.append(put_unbilled(transaction, step.now_ms, reason or "", noted.since_ms, waits=False))
        step.list_session(transaction, SessionState.QUARANTINED)
        await self._commit(step)
        self._world.count(f"not_billed_{reason}")
        return billing

    async def _leave(self, transaction: Transaction, standing: Standing) -> Billing:
        """Take a session that costs nothing out of the queue; what is held for it goes back."""
        world = self._world
        await release(world, transaction.id, standing[1] or "")
        if self._changed(transaction):
            return Billing.PENDING
        step = Step(world, transaction.station_id, world.now_ms())
        step.puts.append(removal(UNBILLED, transaction.id, step.now_ms))
        step.list_session(transaction, SessionState.BILLED if standing[0] is Billing.BILLED else SessionState.FREE)
        await self._commit(step)
        return standing[0]

    async def _bill(self, transaction: Transaction, due: Due, noted: Unbilled) -> Billing:
        world = self._world
        evidence = evidence_hash(world.party, transaction)
        posting = await self._posting(transaction, due, evidence)
        given = await given_back(world, transaction, due.currency)
        known = evidence in self._evidence or await billed_evidence(world, evidence)
        await money_ready(world)
        if posting is not None:
            await world.books.ready(due.currency, ledger.accounts_of(posting), (posting.key,))
            known = known or world.books.posted(posting.key)
        if known:
            return await self._keep(transaction, (Billing.QUARANTINED, BILLED_BEFORE), noted)
        if self._changed(transaction):
            return Billing.PENDING
        self._evidence.add(evidence)
        step = Step(world, transaction.station_id, world.now_ms())
        if posting is not None:
            ledger.post(step, posting)
        bill = _bill_for(transaction, due, evidence, posting, step.now_ms)
        keep_bill(step, bill)
        step.puts.extend(given)
        step.puts.append(removal(UNBILLED, transaction.id, step.now_ms))
        step.list_session(transaction, SessionState.BILLED)
        await self._commit(step)
        world.count("billed")
        return Billing.BILLED

    async def _posting(self, transaction: Transaction, due: Due, evidence: bytes) -> Posting | None:
        world = self._world
        site = await site_of(world, transaction.station_id)
        host = None if site is None else site.host
        net = sum(minor(part.net, due.currency) for part in due.taxes)
        refs = (transaction.ended, due.record.hex(), transaction.settlement, transaction.ruling)
        return charge_posting(
            ChargeFor(
                evidence=evidence,
                account=due.account,
                currency=due.currency,
                country=due.tariff.country_code,
                taxes=due.taxes,
                shares=split(net, world.settings.billing.shares, host, transaction.party),
                releases=await release_transfers(world, transaction, due.currency),
                at_ms=world.now_ms(),
                subject=transaction.id,
                refs=tuple(ref for ref in refs if ref is not None),
            )
        )

    def _changed(self, transaction: Transaction) -> bool:
        """Return whether something has come in about a session while it was looked at: it is looked at again."""
        live = find_in_memory(self._world, transaction)
        return live is not None and live.transaction != transaction

    async def _commit(self, step: Step) -> None:
        """Hand a step over; it is waited for with all others of its page."""
        step.flushes = self._flushes
        await step.hand_over()


def _bill_for(transaction: Transaction, due: Due, evidence: bytes, posting: Posting | None, now_ms: int) -> Bill:
    return Bill(
        id=transaction.id,
        evidence=evidence.hex(),
        account=due.account,
        party=transaction.party,
        station_id=transaction.station_id,
        evse_id=transaction.place,
        started_ms=transaction.started_ms or transaction.recorded_ms,
        ended_ms=transaction.ended_ms or transaction.recorded_ms,
        energy_wh=due.energy_wh,
        currency=due.currency,
        total=due.total,
        taxes=due.taxes,
        tariff=due.record.hex(),
        tariff_id=due.tariff.id,
        country=due.tariff.country_code,
        grade=due.grade,
        source=due.source,
        posting="" if posting is None else posting.key,
        billed_ms=now_ms,
        ruling=transaction.ruling,
    )
