"""The archive: one ZIP, written as it is read. Nothing of it is on a disk of ours, and no more than a chunk in memory.

Files of evidence and invoices come first, so that `data.json` can say which of them are missing, and why.
"""

import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import msgspec

from wattseal.base import spreadsheet
from wattseal.flow.charges.bundling import Proofs, utc_from_ms
from wattseal.flow.money.accounts import payer_of
from wattseal.flow.money.invoice_list import file_of, invoices_of_account
from wattseal.flow.privacy.plain import plain
from wattseal.flow.privacy.readme import readme
from wattseal.flow.privacy.sections import SECTIONS, Inside
from wattseal.flow.privacy.sessions import bundle_file
from wattseal.flow.privacy.tables import TABLES, Table

FORMAT = "wattseal-account-export-1"
CHUNK_BYTES = 64 * 1024
LARGE = 2000
"""From so many sessions on a file of the archive may pass 2 GiB, and is written so that it can (ZIP64)."""
ERASED, OVER = "erased", "retention_over"
"""Why the files of an invoice are missing: its payer was erased, or its time to be kept is over."""
_UNSAFE = re.compile(r"[^\w.-]")


@dataclass(slots=True)
class _Sink:
    """Where the ZIP is written: bytes that wait to be sent on. It cannot seek, so sizes stand behind each file."""

    waiting: list[bytes] = field(default_factory=list)
    size: int = 0

    def write(self, data: bytes, /) -> int:
        self.waiting.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what waits is taken."""

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    def take(self, least: int = 1) -> Iterator[bytes]:
        if self.size >= least:
            yield b"".join(self.waiting)
            self.waiting.clear()
            self.size = 0


async def archive(inside: Inside, proofs: Proofs, operator: str, *, erased: bool) -> AsyncIterator[bytes]:
    """Yield an account's archive. With `erased` invoices of a payer who was erased are in it as well."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as made:
        for files in (_evidence(inside, proofs), _invoices(inside, erased=erased)):
            async for name, data in files:
                made.writestr(_entry(inside, name), data)
                for chunk in sink.take(CHUNK_BYTES):
                    yield chunk
        texts = [("data.json", _json(inside, operator)), *((name, _csv(inside, t)) for name, t in TABLES.items())]
        for name, lines in texts:
            with made.open(_entry(inside, name), "w", force_zip64=len(inside.mine.sessions) > LARGE) as member:
                async for line in lines:
                    member.write(line)
                    for chunk in sink.take(CHUNK_BYTES):
                        yield chunk
        text = readme(
            operator,
            inside.mine.account.id,
            utc_from_ms(inside.world.now_ms()),
            check=f"{inside.world.settings.public_url or ''}/check",
            evidence=len(inside.evidence),
            files=len(inside.files),
        )
        made.writestr(_entry(inside, "README.txt"), text.encode())
    for chunk in sink.take():
        yield chunk


def _entry(inside: Inside, name: str) -> zipfile.ZipInfo:
    at = utc_from_ms(inside.world.now_ms())
    made = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o600 << 16
    return made


async def _evidence(inside: Inside, proofs: Proofs) -> AsyncIterator[tuple[str, bytes]]:
    for _, session in inside.mine.sessions:
        found = await bundle_file(inside.world, proofs, session)
        if isinstance(found, str):
            inside.evidence[session] = found
        else:
            yield f"evidence/{session}.wsb", found


async def _invoices(inside: Inside, *, erased: bool) -> AsyncIterator[tuple[str, bytes]]:
    known = await payer_of(inside.world, inside.mine.account) is not None
    async for issued in invoices_of_account(inside.world, inside.mine.account.id):
        if not (known or erased):
            inside.files[issued.number] = ERASED
            continue
        for name in ("pdf", "xml"):
            data = await file_of(inside.world, issued, name)
            if data is None:
                inside.files[issued.number] = OVER
            else:
                yield f"invoices/{_UNSAFE.sub('_', issued.number)}.{name}", data


async def _json(inside: Inside, operator: str) -> AsyncIterator[bytes]:
    """Yield `data.json`: an object, with a list for each section."""
    account, encode = inside.mine.account, msgspec.json.encode
    payer = await payer_of(inside.world, account)
    head = {
        "format": FORMAT,
        "made_ms": inside.world.now_ms(),
        "operator": operator,
        "account": plain("account", account),
        "payer": None if payer is None else plain("payer", payer),
    }
    yield encode(head)[:-1]
    for name, rows in SECTIONS.items():
        yield b',\n"%s":[' % name.encode()
        between = b"\n"
        async for row in rows(inside):
            yield between + encode(row)
            between = b",\n"
        yield b"]"
    yield b"}\n"


async def _csv(inside: Inside, table: Table) -> AsyncIterator[bytes]:
    yield spreadsheet.row(table.columns).encode()
    async for row in SECTIONS[table.section](inside):
        yield spreadsheet.row(cell(row) for cell in table.columns.values()).encode()
