"""A small real SMTP server: STARTTLS or TLS from the first byte, sign-in, one mail after another."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """What it took; `offers_tls` says whether it offers STARTTLS."""

    context: ssl.SSLContext
    implicit: bool = False
    offers_tls: bool = True
    port: int = 0
    mails: list[str] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    in_clear: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self.implicit
        writer.write(b"220 mail.example\r\n")
        while line := await reader.readline():
            if not secure:
                self.in_clear.append(line)
            match line.split()[0].upper() if line.split() else b"":
                case b"EHLO":
                    offers = b"250-STARTTLS\r\n" if self.offers_tls and not secure else b""
                    writer.write(b"250-mail.example\r\n" + offers + b"250 AUTH PLAIN\r\n")
                case b"STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.drain()
                    await writer.start_tls(self.context)
                    secure = True
                case b"AUTH":
                    self.signed_in.append(base64.b64decode(line.split()[2]).decode())
                    writer.write(b"235 welcome\r\n")
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                    writer.write(b"250 taken\r\n")
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 ok\r\n")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server(server: MailServer) -> AsyncIterator[MailServer]:
    """Run it meanwhile."""
    running = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.context if server.implicit else None)
    server.port = running.sockets[0].getsockname()[1]
    async with running:
        yield server
