"""Two witnesses as processes of their own, and somebody who asks them to cosign what he likes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from wattseal.dial.witness import Asked, WitnessClient, WitnessPeer, with_cosignatures
from wattseal.lab.crew import Crew, free_port
from wattseal.lab.grounds.paper import Keys, Paper
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogSigningKey

PARTIES = ("MSP", "DSO")


@dataclass(slots=True)
class Witnesses:
    """The running witnesses, and a CPO on paper whose log they cosign for."""

    paper: Paper
    peers: tuple[WitnessPeer, ...]
    session: aiohttp.ClientSession
    answers: list[Asked] = field(default_factory=list)

    async def asked(self, paper: Paper, which: Sequence[int] = (0, 1)) -> SignedCheckpoint:
        """Ask some of them, as if for the first time, to cosign a history; return that with what they gave."""
        client = WitnessClient(self.session, [self.peers[number] for number in which])
        signed = paper.checkpoint()
        given = await client.collect(signed, paper.consistency)
        self.answers.extend(given)
        return with_cosignatures(signed, given)

    def refusals(self) -> str:
        """Return the refusals, each once."""
        said = (f"{one.peer.key.name}: {one.outcome.value}" for one in self.answers if one.cosigned is None)
        return "; ".join(dict.fromkeys(said))


@asynccontextmanager
async def witnesses(folder: Path, undefend: str | None = None) -> AsyncIterator[Witnesses]:
    """Start them in a new directory."""
    keys = Keys()
    async with aiohttp.ClientSession() as session, Crew(folder / "logs") as crew:
        peers, own = [], []
        for party in PARTIES:
            home, name, port = folder / party, f"witness/{party}", free_port()
            words = ("--data", home, "--port", str(port), "--log", str(keys.log.verifier), "--name", name)
            await crew.start(party, "witness", *words, undefend=undefend)
            url = f"http://127.0.0.1:{port}"

            async def ready(url: str = url) -> bool:
                try:
                    async with session.get(f"{url}/healthz") as answer:
                        return answer.status == 200
                except aiohttp.ClientError:
                    return False

            await crew.until(party, ready)
            pem = (home / "keys" / "witness.pem").read_bytes()
            key = LogSigningKey.from_pem(name, SignatureType.COSIGNATURE_ED25519, pem)
            own.append(key)
            peers.append(WitnessPeer(url, key.verifier))
        yield Witnesses(Paper(Keys(log=keys.log, witnesses=tuple(own))), tuple(peers), session)
