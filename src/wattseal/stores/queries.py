"""The journal's reads: statements and row readers that both databases share.

Parameters are written $1, $2, ... (SQLite is given ?1, ?2, ...).
"""

from collections.abc import Sequence
from typing import Any, Final

from wattseal.base.ids import StationId
from wattseal.flow.ports import KeptItem, Outgoing, Put, StoredItem
from wattseal.stores.plan import DOCUMENT_COLUMNS

_ITEMS: Final = (
    "SELECT i.position, i.log_index, i.origin, i.stream, i.epoch, i.seq, i.kind, i.signed, i.payload_hash, i.item, "
    "i.station_id, i.recorded_at_ms, i.subject, l.entry FROM items i "
    "LEFT JOIN leaves l ON l.tenant_id = i.tenant_id AND l.log_index = i.log_index WHERE "
)
_ITEM: Final = _ITEMS + "i.tenant_id = $1 "
CHAIN: Final = (
    _ITEM + "AND i.origin = $2 AND i.stream = $3 AND (i.epoch, i.seq) >= ($4, $5) "
    "ORDER BY i.epoch, i.seq, i.position LIMIT $6"
)
CHAIN_HEAD: Final = _ITEM + "AND i.origin = $2 AND i.stream = $3 ORDER BY i.epoch DESC, i.seq DESC, i.position LIMIT 1"
BY_SUBJECT: Final = _ITEM + "AND i.subject = $2 ORDER BY i.position"
REPLAY: Final = _ITEMS + "(i.tenant_id || '') = $1 AND i.position > $2 ORDER BY i.position LIMIT $3"
"""Walks the positions; by an index of the tenant SQLite would sort all of its items for every page."""
LEAVES: Final = "SELECT entry FROM leaves WHERE tenant_id = $1 AND log_index >= $2 ORDER BY log_index LIMIT $3"
LOG_SIZE: Final = "SELECT coalesce(max(log_index) + 1, 0) FROM leaves WHERE tenant_id = $1"
_DOCUMENT: Final = f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE tenant_id = $1 AND kind = $2 "  # noqa: S608 - constants only
DOCUMENT: Final = _DOCUMENT + "AND key = $3"
ANSWER: Final = "SELECT answer FROM answers WHERE tenant_id = $1 AND station_id = $2 AND key = $3"
ANSWER_KEYS: Final = ("SELECT count(*) FROM answers", "SELECT tenant_id, station_id, key FROM answers")
POSTING_KEYS: Final = ("SELECT count(*) FROM postings", "SELECT tenant_id, '', key FROM postings")
"""How many keys there are, and the keys as `Answers` takes them."""
OUTBOX: Final = (
    "SELECT id, kind, body, next_at_ms, attempts FROM outbox "
    "WHERE tenant_id = $1 AND next_at_ms > $4 AND next_at_ms <= $2 "
    "ORDER BY next_at_ms, id LIMIT $3"
)
ANY_OUTBOX: Final = "SELECT 1 FROM outbox WHERE tenant_id = $1 LIMIT 1"


def documents_query(
    tenant: str,
    kind: str,
    *,
    station_id: StationId | None,
    active: bool | None,
    after: str,
    limit: int,
    newest: bool = False,
) -> tuple[str, list[Any]]:
    """Return the statement and parameters for `Journal.documents`."""
    place = "AND key < $3 " if newest and after else "AND key > $3 "
    sql, parameters = _DOCUMENT + place, [tenant, kind, after, limit]
    if station_id is not None:
        sql += "AND station_id = $5 "
        parameters.append(station_id)
    match active:
        case True:
            sql += "AND active "
        case False:
            sql += "AND NOT active "
        case None:
            pass
    return sql + f"ORDER BY key{' DESC' if newest else ''} LIMIT $4", parameters


def kept(row: Sequence[Any]) -> KeptItem:
    """Read a row of the item statements."""
    position, log_index, origin, stream, epoch, seq, kind, signed, payload_hash, item, station, at_ms, subject, leaf = (
        row
    )
    return KeptItem(
        position,
        log_index,
        StoredItem(origin, stream, epoch, seq, kind, bool(signed), payload_hash, item, station, at_ms, subject, leaf),
    )


def document(row: Sequence[Any]) -> Put:
    """Read a row of the document statements."""
    _tenant, kind, key, version, body, updated_at_ms, station_id, active = row
    return Put(kind, key, version, body, updated_at_ms, station_id, None if active is None else bool(active))


def outgoing(row: Sequence[Any]) -> Outgoing:
    """Read a row of `OUTBOX`."""
    return Outgoing(*row)
