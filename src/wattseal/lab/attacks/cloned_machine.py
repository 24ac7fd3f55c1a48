"""T05: a machine is cloned with its disk, its memory and its randomness, and both go on writing."""

import hashlib
from collections.abc import Callable
from decimal import Decimal

from wattseal.crypto.hashes import hkdf
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import P256_ORDER, Algorithm
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LOG, STATION, Pen, fresh
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.seal import groups
from wattseal.seal.chain import find_forks
from wattseal.seal.fields import Meter
from wattseal.seal.groups import pad
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys, Writer

CLONES = 150


async def _perform(lab: Lab) -> Found:
    return _clone(lab)


async def _control(lab: Lab) -> Found:
    """Derive a box's key from its place alone, as if no place were ever written twice."""
    with swapped(groups, "hkdf", lambda secret, _commitment, info, size: hkdf(secret, b"", info, size)):
        return _clone(lab)


def _clone(lab: Lab) -> Found:
    read, signing_keys, forks = 0, 0, 0
    for _ in range(CLONES):
        seed = lab.dice.word(20)
        registers = [Decimal(lab.dice.number(10**6, 10**7)) for _ in range(2)]
        one, other = _written(seed, registers)
        if one.payload.place != other.payload.place or one.hash == other.hash:
            raise LabError("the clones write other things at one place", subject=str(one.payload.place))
        forks += bool(find_forks([one, other]))
        read += _keystream_twice(one, other, registers)
        signing_keys += _nonce_twice(one, other)
    if read or signing_keys:
        return Found(Outcome.MISSED, f"{read} of {CLONES} sealed registers read from the clone's; {signing_keys} keys")
    text = f"{CLONES} pairs sealed at one place share no key and no signature's nonce; {forks} are named as forks"
    return Found(Outcome.PREVENTED, text, figures=(Figure("cloned writers", CLONES, "pairs"),))


def _written(seed: str, registers: list[Decimal]) -> tuple[Item, Item]:
    """Clone a writer in the middle of a session and let both tell another register: same key, seed and randomness."""
    key = fresh(Algorithm.ESP256)
    reader = Reader("MSP", SealPrivateKey.from_seed(hashlib.sha256(seed.encode()).digest()).public)
    items = []
    for register in registers:
        pen = Pen(Writer.new(STATION, LOG, key, _stream(seed)), 1)
        subject = SubjectKeys.new(_stream(f"{seed} session"))
        for kind, wh in ((Kind.STARTED, Decimal(0)), (Kind.ENDED, register)):
            group = {Group.METER: GroupDraft(Meter(wh).to_fields(), (reader,))}
            items.append(pen.write(kind, AT_MS, subject, groups=group))
    return items[1], items[3]


def _stream(seed: str) -> Callable[[int], bytes]:
    """Return randomness as a clone has it: from the beginning, the same again."""
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"{seed}/{drawn}".encode()).digest(count)

    return draw


def _keystream_twice(one: Item, other: Item, registers: list[Decimal]) -> bool:
    """Return whether the two ciphertexts hide their contents under the same key stream: one known reads the other."""
    first, second = (_ciphertext(item) for item in (one, other))
    contents = [pad(groups.encode_content(["MSP"], Meter(wh).to_fields())) for wh in registers]
    size = min(map(len, contents))
    hidden = bytes(a ^ b for a, b in zip(first[:size], second[:size], strict=True))
    return hidden == bytes(a ^ b for a, b in zip(contents[0][:size], contents[1][:size], strict=True))


def _ciphertext(item: Item) -> bytes:
    box = item.boxes[Group.METER]
    found = box[0] if isinstance(box, list) else box
    if not isinstance(found, bytes):
        raise LabError("the meter group is sealed", subject="box")
    return found


def _nonce_twice(one: Item, other: Item) -> bool:
    """Return whether two signatures share r, from which anybody computes the signing key."""
    if one.signature is None or other.signature is None:
        raise LabError("the end of a session is signed", subject="item")
    r = [int.from_bytes(item.signature.signature[:32]) for item in (one, other) if item.signature]
    return r[0] == r[1] and 0 < r[0] < P256_ORDER


ATTACK = Attack(
    line="T05",
    title="a machine is cloned with its randomness, and both write on",
    steps=(
        "clone a writer in the middle of a sealed session: same keys, same place in the chain, same random numbers",
        "let each write the end of the session with another register",
        "see whether the ciphertexts share a key stream, so that one register known tells the other",
        "see whether the signatures share a nonce, so that both together tell the signing key",
    ),
    defence="a box's key is derived from its place and its content, and signatures draw no random numbers",
    without="a box's key is derived from its place alone",
    residual="equal contents at one place are equal ciphertexts; the two histories themselves are a fork that is named",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
