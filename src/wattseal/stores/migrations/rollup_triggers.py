"""The triggers that keep the sums of sessions and bills, as statements; migrations say of which kinds they are."""

from collections.abc import Callable, Iterator

SUMS = (
    *("pending", "quarantined", "free", "billed", "energy_mwh", "seconds", "bills", "net", "tax"),
    *("reversed_bills", "reversed_net", "reversed_tax", "reversed_mwh"),
)
KEY = ("tenant_id", "width", "station_id", "at", "evse_id", "party", "currency", "grade", "source")
QUARTER_MS = 900_000


def session_sums(row: str) -> tuple[str, ...]:
    """Return what a session adds, as SQL."""
    states = (f"({row}.state = '{state}')" for state in SUMS[:4])
    return (*(f"CAST({state} AS INTEGER)" for state in states), f"{row}.energy_mwh", f"{row}.seconds", *("0",) * 7)


def bill_sums(row: str) -> tuple[str, ...]:
    """Return what a bill adds, as SQL."""
    back = (f"CASE WHEN {row}.reversed THEN {value} ELSE 0 END" for value in bill_values(row))
    return (*("0",) * 4, f"{row}.energy_mwh", "0", "1", f"{row}.net", f"{row}.tax", *back)


def bill_values(row: str) -> tuple[str, ...]:
    """Return what taking a bill back takes, as SQL."""
    return ("1", f"{row}.net", f"{row}.tax", f"{row}.energy_mwh")


SESSION_KEY = ("''", "-1")
BILL_KEY = ("{row}.currency", "{row}.grade")
Sums = Callable[[str], tuple[str, ...]]
Kinds = tuple[tuple[int, str], ...]
"""Of each kind of sums: its width, and what stands for all stations; "*" for all eMSPs as well."""


def key(row: str, width: str, stations: str, of: tuple[str, ...]) -> tuple[str, ...]:
    """Return the key of a row's sums of a kind, as SQL."""
    quarter = f"{row}.at_ms / {QUARTER_MS}"
    return (
        f"{row}.tenant_id",
        width,
        f"CASE WHEN {width} = 1 THEN {row}.station_id ELSE {stations} END",
        f"{quarter} / {width} * {width}",
        f"CASE WHEN {width} = 1 THEN {row}.evse_id ELSE 0 END",
        f"CASE WHEN {stations} = '*' THEN '' ELSE {row}.party END",
        *(column.format(row=row) for column in of),
        f"{row}.source",
    )


_INTO = f"INSERT INTO rollups ({', '.join((*KEY, *SUMS))}) "


def summed(of: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns that are not always 0: sums of sessions and of bills never meet under one key."""
    return ("energy_mwh", *SUMS[6:]) if of is BILL_KEY else SUMS[:6]


def adding(row: str, of: tuple[str, ...], sums: tuple[str, ...], kinds: Kinds, where: str = "true") -> str:
    """Return the statements of a trigger that add `sums` under a row's keys."""
    keys = (key(row, str(width), f"'{stations}'", of) for width, stations in kinds)
    add = ", ".join(f"{column} = {column} + excluded.{column}" for column in summed(of))
    into = f"{_INTO} SELECT {{}} WHERE {where} ON CONFLICT DO UPDATE SET {add};"
    return " ".join(into.format(", ".join((*each, *sums))) for each in keys)


def sqlite_triggers(table: str, of: tuple[str, ...], sums: Sums, counts: str, kinds: Kinds) -> Iterator[str]:
    """Yield a table's triggers; `counts` is which rows count, as SQL."""
    new, old = counts.format(row="NEW"), counts.format(row="OLD")
    less = tuple(f"-({value})" for value in sums("OLD"))
    change = tuple(f"{after} - ({before})" for after, before in zip(sums("NEW"), sums("OLD"), strict=True))
    told = "tenant_id, station_id, at_ms / 900000, evse_id, party, source" + (
        ", currency, grade" if of is BILL_KEY else ""
    )
    same = " AND ".join(f"NEW.{column.strip()} = OLD.{column.strip()}" for column in told.split(","))
    differs = " OR ".join(
        f"NEW.{column} <> OLD.{column}"
        for column in (
            ("state", "energy_mwh", "seconds") if of is SESSION_KEY else ("energy_mwh", "net", "tax", "reversed")
        )
    )
    yield (
        f"CREATE TRIGGER {table}_rolled_new AFTER INSERT ON {table} WHEN {new} "
        f"BEGIN {adding('NEW', of, sums('NEW'), kinds)} END"
    )
    yield (
        f"CREATE TRIGGER {table}_rolled_same AFTER UPDATE ON {table} "
        f"WHEN {old} AND {new} AND {same} AND ({differs}) BEGIN {adding('NEW', of, change, kinds)} END"
    )
    yield (
        f"CREATE TRIGGER {table}_rolled_moved AFTER UPDATE ON {table} WHEN NOT ({old} AND {new} AND {same}) "
        f"BEGIN {adding('OLD', of, less, kinds, old)} {adding('NEW', of, sums('NEW'), kinds, new)} END"
    )
    yield (
        f"CREATE TRIGGER {table}_rolled_gone AFTER DELETE ON {table} WHEN {old} "
        f"BEGIN {adding('OLD', of, less, kinds)} END"
    )


def postgres_triggers(table: str, of: tuple[str, ...], sums: Sums, counts: str, kinds: Kinds) -> Iterator[str]:
    """Yield a table's functions and triggers: once a statement, rows of one key added up before."""
    changes = {
        "insert": ("SELECT 1 AS sign, a.* FROM added a", "NEW TABLE AS added"),
        "update": (
            "SELECT 1 AS sign, a.* FROM added a UNION ALL SELECT -1, g.* FROM gone g",
            "OLD TABLE AS gone NEW TABLE AS added",
        ),
        "delete": ("SELECT -1 AS sign, g.* FROM gone g", "OLD TABLE AS gone"),
    }
    places = ", ".join(str(n) for n in range(1, len(KEY) + 1))
    added = ", ".join(f"sum(s.sign * ({value}))" for value in sums("s"))
    more = ", ".join(f"{column} = r.{column} + excluded.{column}" for column in summed(of))
    for change, (rows, tables) in changes.items():
        body = (
            f"INSERT INTO rollups AS r ({', '.join((*KEY, *SUMS))}) "  # noqa: S608 - constants only
            f"SELECT {', '.join((*key('s', 'w.width', 'w.stations', of), added))} FROM ({rows}) s "
            f"CROSS JOIN (VALUES {', '.join(map(str, kinds))}) AS w(width, stations) "
            f"WHERE {counts.format(row='s')} GROUP BY {places} "
            f"ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {more}"
        )
        yield (
            f"CREATE FUNCTION wattseal_{table}_{change}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body}; RETURN NULL; END $$"
        )
        yield (
            f"CREATE TRIGGER {table}_rolled_{change} AFTER {change.upper()} ON {table} REFERENCING {tables} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION wattseal_{table}_{change}()"
        )


_SESSIONS = ("sessions", SESSION_KEY, session_sums, "{row}.state <> 'open'")
_BILLS = ("bills", BILL_KEY, bill_sums, "true")


def sqlite(kinds: Kinds) -> tuple[str, ...]:
    """Return the statements that create all triggers."""
    return (*sqlite_triggers(*_SESSIONS, kinds), *sqlite_triggers(*_BILLS, kinds))


def postgresql(kinds: Kinds) -> tuple[str, ...]:
    """Return the statements that create all functions and triggers."""
    return (*postgres_triggers(*_SESSIONS, kinds), *postgres_triggers(*_BILLS, kinds))
