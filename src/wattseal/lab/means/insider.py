"""What a CPO can do to its own database from outside, with its own keys: rewrite, recompute, re-sign, roll back.

Nothing here goes through the product's own write paths: an insider would not either.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from msgspec import structs

from wattseal.bundle.build import build_bundle, openings_of
from wattseal.bundle.format import Bundle
from wattseal.crypto.hashes import sha256
from wattseal.crypto.keys import SigningKey
from wattseal.lab.crew import LabError
from wattseal.log.keys import SigningKey as LogSigningKey
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content, commit, context
from wattseal.seal.item import Commitment, Group, Item, Kind, parse_item, sign_payload
from wattseal.stores.tiles import DiskLog

TILES = Path("log") / "default"
BUSY_S = 20


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A changed record: payload hashes before and after."""

    old: bytes
    new: bytes


class Insider:
    """Somebody with write access to everything in a CPO's directory."""

    def __init__(self, data: Path) -> None:
        """Work in a directory, whether or not a process uses it."""
        self.data = data
        self.changes: list[tuple[bytes, bytes]] = []

    @staticmethod
    def in_copy(original: Path, copy: Path) -> "Insider":
        """Copy a stopped CPO's directory and work on the copy."""
        shutil.copytree(original, copy)
        return Insider(copy)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.data / "journal.sqlite3", timeout=BUSY_S)) as connection:
            yield connection
            connection.commit()

    def lower_projection(self, transaction: str, by_wh: int) -> None:
        """Change what the dashboard and the bill would show; leave the records alone."""
        with self._database() as database:
            self._edit_transaction(database, transaction, by_wh)

    def _edit_transaction(
        self, database: sqlite3.Connection, transaction: str, by_wh: int, renamed: Rewritten | None = None
    ) -> None:
        where = "WHERE kind = 'transaction' AND key = ?"
        [body] = database.execute(f"SELECT body FROM documents {where}", (transaction,)).fetchone()  # noqa: S608 - fixed text
        document = json.loads(body)
        document["end_wh"] = str(Decimal(str(document["end_wh"])) - by_wh)
        text = json.dumps(document)
        if renamed is not None:
            text = text.replace(renamed.old.hex(), renamed.new.hex())
        database.execute(f"UPDATE documents SET body = ? {where}", (text.encode(), transaction))  # noqa: S608 - fixed text
        self.changes.append((body, text.encode()))

    def lower_record(self, transaction: str, by_wh: int, key: SigningKey | None, log_origin: str) -> None:
        """Lower the stop register inside the record and make every unkeyed hash right again.

        With `key` the records changed are signed again; without, they keep the signatures they had.
        """
        with self._database() as database:
            rows = database.execute(
                "SELECT position, item, log_index FROM items WHERE (origin, stream) IN"
                " (SELECT origin, stream FROM items WHERE subject = ? AND kind = ?) ORDER BY epoch, seq",
                (bytes.fromhex(transaction), int(Kind.ENDED)),
            ).fetchall()
            previous: Rewritten | None = None
            for position, data, log_index in rows:
                item = parse_item(data)
                changed = item
                if item.payload.kind == Kind.ENDED and item.payload.subject == bytes.fromhex(transaction):
                    changed = lower_register(item, by_wh)
                if previous is not None:
                    payload = structs.replace(changed.payload, prev=previous.new)
                    changed = Item(payload, payload.encode(), changed.signature, changed.boxes)
                if changed.payload_bytes == item.payload_bytes:
                    continue
                if key is not None and item.signature is not None:
                    changed = sign_payload(changed.payload, key, log_origin, changed.boxes)
                previous = Rewritten(item.hash, changed.hash)
                if item.payload.kind == Kind.ENDED and item.payload.subject == bytes.fromhex(transaction):
                    self._edit_transaction(database, transaction, by_wh, previous)
                self._store(database, (position, data, log_index), changed)

    def _store(self, database: sqlite3.Connection, row: tuple[int, bytes, int | None], item: Item) -> None:
        position, before, log_index = row
        encoded = item.encode()
        self.changes.append((before, encoded))
        database.execute(
            "UPDATE items SET item = ?, payload_hash = ?, digest = ? WHERE position = ?",
            (encoded, item.hash, sha256(encoded)[:16], position),
        )
        if log_index is not None:
            database.execute("UPDATE leaves SET entry = ? WHERE log_index = ?", (item.leaf_entry(), log_index))

    def forged_bundle(self, honest: Bundle, log: DiskLog | None) -> Bundle:
        """Return the bundle he would hand out: his records in place of the true ones, and his log's proofs."""
        bounds = [item.payload.place for item in honest.items]
        with self._database() as database:
            rows = database.execute(
                "SELECT item, log_index FROM items WHERE origin = ? AND stream = ? ORDER BY epoch, seq", bounds[0][:2]
            ).fetchall()
        mine = [
            (item, index) for item, index in ((parse_item(data), i) for data, i in rows) if item.payload.place in bounds
        ]
        items = [item for item, _ in mine]
        known = {o.payload_hash for o in honest.openings}
        openings = (*honest.openings, *openings_of([i for i in items if i.hash not in known], (Group.METER, Group.OPS)))
        others = [o for o in honest.others if o.payload.kind != Kind.SETTLEMENT]
        shown = {i.hash for i in (*items, *others)}
        proofs = honest.proofs
        if log is not None and log.latest is not None:
            proofs = tuple(log.proof(i, log.latest).encode() for _, i in mine if i is not None)
        return build_bundle(
            items,
            proofs=proofs,
            entries=honest.entries,
            others=others,
            openings=[o for o in openings if o.payload_hash in shown],
        )

    def rebuild_log(self, key: LogSigningKey, *, keep: int | None = None) -> DiskLog:
        """Forget every published checkpoint, build the tree anew from the leaves (the first `keep`), and sign it."""
        with self._database() as database:
            database.execute("DELETE FROM documents WHERE kind IN ('checkpoint', 'checkpoint_head')")
            if keep is not None:
                database.execute("DELETE FROM leaves WHERE log_index >= ?", (keep,))
                database.execute("DELETE FROM items WHERE log_index >= ?", (keep,))
            entries = [e for (e,) in database.execute("SELECT entry FROM leaves ORDER BY log_index")]
        before = (self.data / TILES / "checkpoint").read_bytes()
        shutil.rmtree(self.data / TILES)
        log = DiskLog.open(self.data / TILES, key)
        self.changes.append((before, log.integrate(entries).encode()))
        return log


def lower_register(item: Item, by_wh: int) -> Item:
    """Return a record with a lower register in its plain meter box and the commitment that fits; unsigned by nature."""
    box = item.boxes[Group.METER]
    if not (isinstance(box, list) and box[0] == 0):
        raise LabError("the meter group is sealed: not even its keeper can lower it", code="sealed", subject="meter")
    _, secret, content_bytes = box
    content = Content.decode(content_bytes)
    meter = Meter.read(content.fields)
    lowered = structs.replace(meter, register_wh=meter.register_wh - by_wh)
    new = Content(content.readers, {**content.fields, **lowered.to_fields()}).encode()
    place = context(*item.payload.place, Group.METER)
    groups = {**item.payload.groups, Group.METER: Commitment(commit(place, secret, new), None)}
    payload = structs.replace(item.payload, groups=groups)
    return Item(payload, payload.encode(), item.signature, {**item.boxes, Group.METER: [0, secret, new]})
