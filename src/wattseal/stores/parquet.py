"""Tables as Parquet files, written by DuckDB; the same rows give the same bytes.

The rows go through a temporary file of JSON lines, so that memory holds a page of them however many there are.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from wattseal.base.errors import StoreError

Cell = str | int | Decimal | None
MONEY: Final = "DECIMAL(24, 4)"
"""The type of a column of amounts: four digits after the point are enough for every currency."""


class ParquetWriter:
    """Collects rows, then writes them as one Parquet file; a context manager that leaves nothing behind.

    `columns` maps names to DuckDB types (BIGINT, VARCHAR, TIMESTAMP, `MONEY`, ...). Blocks: call it in a thread.
    """

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._columns = tuple(columns)
        self._folder = TemporaryDirectory(prefix="wattseal-table-")
        self._rows = Path(self._folder.name) / "rows.json"
        self._file = self._rows.open("wb")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is temporary."""
        self.close()

    def close(self) -> None:
        """Remove what is temporary, the file written included."""
        self._file.close()
        self._folder.cleanup()

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add rows; None becomes NULL."""
        names = [name for name, _ in self._columns]
        lines = (dict(zip(names, row, strict=True)) for row in rows)
        self._file.write(msgspec.json.Encoder(decimal_format="string").encode_lines(lines))

    def write(self) -> Path:
        """Write the file and return where it is: until this writer is left."""
        import duckdb  # noqa: PLC0415 - only needed where a table is asked for

        self._file.close()
        target = self._rows.with_name("table.parquet")
        settings: dict[str, Any] = {"threads": 1, "memory_limit": "256MB", "temp_directory": self._folder.name}
        try:
            with duckdb.connect(":memory:", config=settings) as database:
                table = database.read_json(str(self._rows), columns=dict(self._columns), format="newline_delimited")
                table.write_parquet(str(target), compression="zstd")
        except duckdb.Error as error:
            raise StoreError(f"the table cannot be written: {error}", code="store_failed", subject="parquet") from error
        return target
