"""Puts alarms on record: signed by the billing key, on a chain of their own; and looks whether all are still there.

The records say which alarms stand. One whose row was taken out of the database is put back, and that is an alarm; so
is one whose record is gone, which nobody can put back.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from wattseal.base.errors import InputError, StoreError, WattsealError
from wattseal.base.ids import Origin
from wattseal.flow.alarm_book import OVER, Due
from wattseal.flow.alarms import document_of, raised
from wattseal.flow.alerts import alerts_of
from wattseal.flow.documents import ALARM, every_document, read
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm, AlarmState
from wattseal.rules.alarms import REMOVED
from wattseal.seal import dcbor
from wattseal.seal.alarm import AlarmEvent, AlarmSaid
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft, Written

STREAM = 10
"""Of the CPO's own chain."""
AT_ONCE = 100
"""Records of one commit; the others wait for the next round."""
_PAGE = 500


class AlarmError(InputError):
    """An alarm that is not there or does not stand any more; the code says which."""


@dataclass(slots=True)
class AlarmKeeper:
    """Keeps the alarms of one process level with their records."""

    world: World

    @staticmethod
    async def load(world: World) -> "AlarmKeeper":
        """Read which alarms stand, by their records; what else says so is put right."""
        keeper = AlarmKeeper(world)
        recorded = await keeper._recorded()
        async for document in every_document(world.journal, world.tenant, ALARM, active=True):
            said, _ = recorded.get(document.key, (None, None))
            if said is not None and said.event >= AlarmEvent.CLOSED:
                over = replace(read(document, Alarm), state=OVER[said.event])
                await world.journal.commit(Batch(world.tenant, puts=(document_of(document.key, over, world.now_ms()),)))
            else:
                keeper._take_over(document.key, read(document, Alarm))
        await keeper._put_right(recorded)
        return keeper

    def _take_over(self, key: str, known: Alarm) -> None:
        """Have an alarm stand as its document says; one that no record tells of yet is to be recorded."""
        self.world.alarms.stand(key, known)
        if not known.said:
            self.world.alarms.due.append(Due(key, AlarmEvent.OPENED, known))

    async def round(self) -> None:
        """Write what waits."""
        while self.world.alarms.due:
            await self._write()

    async def act(self, key: str, event: AlarmEvent, by: str) -> Alarm:
        """Acknowledge or close an alarm in somebody's name, on record on return.

        Codes of the `AlarmError`: `no_alarm`, `alarm_over` where it does not stand any more.
        """
        book = self.world.alarms
        before = book.standing.get(key)
        if before is None:
            document = await self.world.journal.document(self.world.tenant, ALARM, key)
            if document is None:
                raise AlarmError("there is no such alarm", code="no_alarm", subject="key")
            before = replace(read(document, Alarm), id=key)
            if not before.stands or self._is_over(key, before):
                raise AlarmError("this alarm is closed, or over by itself", code="alarm_over", subject="key")
            self._take_over(key, before)
        if before.state is OVER[event]:
            return before
        after = book.step(key, event, by=by) or before
        try:
            await self.round()
        except StoreError:
            book.back(key, before)
            raise
        return book.standing.get(key, after)

    async def look(self) -> None:
        """Look whether every alarm on record that stands is in the database, and the chain as it was written."""
        world, book = self.world, self.world.alarms
        on_record = {key for key, alarm in book.standing.items() if alarm.said}
        rows = {d.key: d async for d in every_document(world.journal, world.tenant, ALARM, active=True)}
        for key, row in rows.items():
            if self._is_over(key, told := read(row, Alarm)):
                ended = document_of(key, replace(told, state=AlarmState.CLOSED), world.now_ms())
                await world.journal.commit(Batch(world.tenant, puts=(ended,)))
        gone = sorted(key for key in on_record - rows.keys() if key in book.standing)
        if gone:
            await self._put_back(gone)

    async def chain(self) -> tuple[int, str]:
        """Return where the chain of alarms ends in the database: how many records, and the last one's payload hash."""
        last = await self.world.journal.chain_head(self.world.tenant, Origin(self.world.billing_origin), STREAM)
        return (0, "") if last is None else (last.item.seq + 1, last.item.payload_hash.hex())

    def _is_over(self, key: str, told: Alarm) -> bool:
        """Return whether an alarm that stands by its row is over by its records: a step wrote it as it was closed."""
        book = self.world.alarms
        return bool(told.said) and key not in book.standing and key not in book.recorded

    async def _put_back(self, keys: list[str]) -> None:
        world, now_ms = self.world, self.world.now_ms()
        puts = [document_of(key, world.alarms.standing[key], now_ms) for key in keys]
        world.alarms.restored += len(keys)
        puts.append(raised(world, Alarm(REMOVED, "", now_ms, "database", f"{len(keys)} put back, {keys[0]} first"))[1])
        await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))

    async def _write(self) -> None:
        """Write the next records. What becomes due meanwhile waits for its turn."""
        world, book = self.world, self.world.alarms
        await world.chains.ready(world.billing_origin, STREAM)
        batch, book.due = book.due[:AT_ONCE], book.due[AT_ONCE:]
        step = Step(world, "", world.now_ms())
        try:
            written = [(due, self._record(step, due)) for due in batch]
            await step.commit()
        except WattsealError:
            book.due = batch + book.due
            raise
        for due, record in written:
            book.is_recorded(due.key, due.event, due.alarm.severity, record.hash.hex())

    def _record(self, step: Step, due: Due) -> Written:
        book, told = self.world.alarms, due.alarm
        said = AlarmSaid(
            event=due.event,
            key=due.key,
            code=told.code,
            severity=told.severity,
            count=told.count,
            first_ms=told.at_ms,
            last_ms=told.last_ms,
            station_id=told.station_id,
            session=None if told.transaction is None else bytes.fromhex(told.transaction),
            by=told.by or None if due.event in OVER else None,
        )
        groups = ((int(Group.OPS), dcbor.encode(said.to_fields())),)
        refs = tuple(bytes.fromhex(record) for record in told.evidence)
        draft = PlainDraft(Kind.ALARM, step.now_ms, groups, refs)
        written = step.write((self.world.billing_origin, STREAM), self.world.billing_key, draft, None)
        kept = replace(book.standing.get(due.key, told), said=written.hash.hex())
        step.puts.append(document_of(due.key, kept, step.now_ms))
        settings = self.world.settings
        said_now = replace(told, id=due.key, said=written.hash.hex())
        step.outbox.extend(alerts_of(settings.alerts, settings.public_url, due.event, said_now, step.now_ms))
        return written

    async def _put_right(self, recorded: dict[str, tuple[AlarmSaid, Item]]) -> None:
        """Hold the documents against the records: those gone are put back, those whose records are gone are told."""
        world, book = self.world, self.world.alarms
        hashes = {item.hash.hex() for _, item in recorded.values()}
        lost = [key for key, alarm in book.standing.items() if alarm.said and alarm.said not in hashes]
        due = [key for key, (said, _) in recorded.items() if said.event < AlarmEvent.CLOSED]
        gone = [key for key in due if key not in book.standing]
        for key in gone:
            book.stand(key, _from_record(*recorded[key]))
        if gone:
            await self._put_back(gone)
        if lost:
            now_ms = world.now_ms()
            told = Alarm(REMOVED, "", now_ms, "records", f"of {len(lost)} the latest record is gone, {lost[0]} first")
            await world.journal.commit(Batch(world.tenant, puts=(raised(world, told)[1],)))

    async def _recorded(self) -> dict[str, tuple[AlarmSaid, Item]]:
        """Read the chain: by alarm the latest record."""
        latest: dict[str, tuple[AlarmSaid, Item]] = {}
        async for item in _items(self.world):
            opened = open_box(item, int(Group.OPS), None) if item.payload.kind == Kind.ALARM else None
            if isinstance(opened, Opening):
                said = AlarmSaid.read(Content.decode(opened.content).fields)
                self.world.alarms.is_recorded(said.key, said.event, said.severity, item.hash.hex())
                latest[said.key] = (said, item)
        return latest


async def _items(world: World) -> AsyncIterator[Item]:
    """Read all of the chain, from its first record on."""
    start = (0, 0)
    while page := await world.journal.items(world.tenant, Origin(world.billing_origin), STREAM, start, _PAGE):
        for kept in page:
            yield parse_item(kept.item.item)
        start = (page[-1].item.epoch, page[-1].item.seq + 1)


def _from_record(said: AlarmSaid, item: Item) -> Alarm:
    """Return an alarm as its record tells it; what a station told is in the records it refers to."""
    refs = tuple(ref.hex() for ref in item.payload.refs)
    known = Alarm(
        id=said.key,
        code=said.code,
        station_id=said.station_id,
        at_ms=said.first_ms,
        record=refs[0] if refs else None,
        transaction=None if said.session is None else said.session.hex(),
        severity=said.severity,
        count=said.count,
        last_ms=said.last_ms,
        evidence=refs,
        said=item.hash.hex(),
        by=said.by or "",
    )
    return known if said.event not in OVER else replace(known, state=OVER[said.event])
