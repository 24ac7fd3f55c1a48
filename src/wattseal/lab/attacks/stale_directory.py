"""T69: a directory of tokens from before a card was blocked is put back, and the edge restarted."""

import os
from pathlib import Path

from wattseal.app.edge.trust import DirectoryFile
from wattseal.app.system import SystemRandom
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.permits import local_status
from wattseal.seal.directory import DirectoryTerms, issue_directory
from wattseal.seal.registry import Entry, Registry, Role, Use

ORIGIN, NOW_MS, DAY_MS = "CPO/ST1", 1_800_000_000_000, 86_400_000
STOLEN = IdToken("STOLEN", "ISO14443")


async def _perform(lab: Lab) -> Found:
    return _put_back(lab)


async def _control(lab: Lab) -> Found:
    with swapped(DirectoryFile, "_is_older", lambda *_: False):
        return _put_back(lab)


def _put_back(lab: Lab) -> Found:
    """Let an edge take a directory, one without the stolen card, then the first again, before and after a restart."""
    random = SystemRandom().bytes
    provider, edge = SigningKey.from_seed(Algorithm.ED25519, random(32)), SealPrivateKey.from_seed(random(32))
    registry = Registry({})
    registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", provider.public.spki, Use.SIGN, 0))
    others = [IdToken(lab.dice.word(14), "ISO14443") for _ in range(20)]
    folder = lab.fresh("edge")
    folder.mkdir()
    file = folder / "directory"

    def issued(at_ms: int, *tokens: IdToken) -> bytes:
        terms = DirectoryTerms("MSP", ORIGIN, at_ms, at_ms + 30 * DAY_MS, 20_000)
        return issue_directory(terms, tokens, edge.public, provider, random).encode()

    def started() -> DirectoryFile:
        return DirectoryFile(file, folder / "newest", ORIGIN, route="MSP", registry=registry, key=edge)

    before, after = issued(NOW_MS, STOLEN, *others), issued(NOW_MS + DAY_MS, *others)
    running = started()
    told = []
    for turn, data in enumerate((before, after, before)):
        _put(file, data, turn)
        told.append(_word(running))
    restarted = _word(started())
    if told[:2] != [TokenStatus.ACCEPTED, TokenStatus.INVALID]:
        raise LabError(f"the card is not let in before and kept out after it is blocked: {told}", subject="directory")
    if TokenStatus.ACCEPTED in {told[2], restarted}:
        return Found(Outcome.MISSED, "the blocked card charges again from the older directory")
    return Found(Outcome.PREVENTED, "an issue older than one that was taken is refused, also after a restart")


def _put(file: Path, data: bytes, turn: int) -> None:
    """Write it so that it is seen to have changed."""
    file.write_bytes(data)
    os.utime(file, ns=(turn * 10**9, turn * 10**9))


def _word(edge: DirectoryFile) -> TokenStatus:
    """Return what the edge tells the stolen card while it can ask nobody."""
    return local_status(edge.current(), STOLEN, NOW_MS + 2 * DAY_MS)


ATTACK = Attack(
    line="T69",
    title="the provider's directory of cards from before the theft is put back at an edge",
    steps=(
        "the provider signs a directory with a card in it, then, the card being stolen, one without it",
        "the edge takes both, one after the other, and tells the card no",
        "put the first file back, still in force and truly signed; then restart the edge",
    ),
    defence="an edge remembers on disk when the newest directory it took was issued, and takes none from before",
    without="an older issue counts like any other",
    residual="whoever can also delete the edge's own memory of it; a card stays good until the next directory arrives",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
