"""Tables that are too long for a page: streamed as CSV that spreadsheets open without harm, or as Parquet."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

from litestar.response import Stream

from wattseal.base import spreadsheet
from wattseal.stores.parquet import ParquetWriter

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
ROWS_A_CHUNK = 1000
CHUNK_BYTES = 1 << 18
Cells = Sequence[str | int | Decimal | None]


def csv_stream(columns: Sequence[str], rows: AsyncIterator[Cells]) -> Stream:
    """Return the rows as CSV below a line of column names; text is defused (`base.spreadsheet`)."""
    return Stream(_csv(columns, rows), media_type=f"{CSV}; charset=utf-8; header=present")


async def parquet_stream(columns: Sequence[tuple[str, str]], rows: AsyncIterator[Cells]) -> Stream:
    """Return the rows as a Parquet file; `columns` maps names to DuckDB types."""
    writer = await asyncio.to_thread(ParquetWriter, columns)
    try:
        async for chunk in _chunks(rows):
            await asyncio.to_thread(writer.add, chunk)
        path = await asyncio.to_thread(writer.write)
    except BaseException:
        writer.close()
        raise
    return Stream(_sent(writer, path), media_type=PARQUET)


async def _chunks(rows: AsyncIterator[Cells]) -> AsyncIterator[list[Cells]]:
    chunk: list[Cells] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS_A_CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _csv(columns: Sequence[str], rows: AsyncIterator[Cells]) -> AsyncIterator[str]:
    yield spreadsheet.row(columns)
    async for chunk in _chunks(rows):
        yield "".join(map(spreadsheet.row, chunk))


async def _sent(writer: ParquetWriter, path: Path) -> AsyncIterator[bytes]:
    try:
        with await asyncio.to_thread(path.open, "rb") as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
    finally:
        writer.close()
