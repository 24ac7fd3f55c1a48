"""Mutants of bundles under the real keys: changed at one place, then signed, logged and witnessed as if it had been so.

What a stranger changes fails at the first signature. Here the signers themselves say something odd, which gets further.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tests.support import mutants
from tests.support.charges import LOG, START_MS
from tests.support.worlds import CSMS_KEY, EDGE_KEY, EMSP_KEY, LOG_KEY, REGISTRY, ROOT, WITNESSES

from wattseal.base.errors import InputError
from wattseal.log import checkpoint as checkpoints
from wattseal.log.checkpoint import Checkpoint
from wattseal.log.cosignature import cosign
from wattseal.log.merkle import inclusion_proof, leaf_hash, node_hash, root_at
from wattseal.log.proof import TlogProof
from wattseal.seal import dcbor
from wattseal.seal.item import RECORD_DOMAIN, to_be_signed
from wattseal.seal.registry import SOURCE_ROLES, read_entry
from wattseal.seal.signed import Domain

Renamed = dict[bytes, bytes]
KEYS = {bytes(key.public.kid): key for key in (CSMS_KEY, EDGE_KEY, EMSP_KEY, ROOT)}
NUMBERS = (0, 1, -1, 255, 2**16, 2**32, 2**53 - 1, 2**53, 2**63, START_MS)
DECIMALS = ([0, 0], [-32, 1], [32, 1], [-2, -150], [33, 1], [0, 2**63], [0, -(2**63) + 1], [3, 2], [-3, 1_500_001])
"""Values near the bounds of what fields hold."""


def odd(value: Any, dice: random.Random) -> Any:
    """Return another value in the place of one, often of the same type."""
    if dice.randrange(4) == 0:
        return dice.choice(mutants.OTHER_TYPES)
    return dice.choice(NUMBERS) if type(value) is int and dice.randrange(2) else mutants.other_value(value, dice)


def altered(value: dict[int, Any], dice: random.Random, *, but: tuple[int, ...] = ()) -> dict[int, Any]:
    """Return a map with one leaf changed, a field left out, put in, or put in the place of a list."""
    key = dice.choice([key for key in value if key not in but])
    match dice.randrange(8):
        case 0:
            return {other: part for other, part in value.items() if other != key}
        case 1:
            return value | {dice.randrange(70): dice.choice(mutants.OTHER_TYPES)}
        case 2:
            return value | {key: dice.choice([*DECIMALS, *mutants.OTHER_TYPES])}
        case _:
            path = dice.choice(list(mutants.leaves(value[key], (key,))))
            return mutants.change_at(value, path, lambda leaf: odd(leaf, dice))  # type: ignore[no-any-return]


def payload(value: Any, dice: random.Random) -> Renamed:
    """Change a record's payload; return which hash became which."""
    where = dice.choice([1, 1, 5])
    index = dice.randrange(len(value[where]))
    old = mutants._payload(value[where][index])
    return _put(value, where, index, dcbor.encode(altered(dcbor.decode(old), dice, but=(7,))))


def content(value: Any, dice: random.Random) -> Renamed:
    """Change what a group of a record says, and the commitment with it."""
    opening = dice.choice(value[2])
    return _say(value, opening, altered(dcbor.decode(opening[3]), dice))


def register(value: Any, dice: random.Random) -> Renamed:
    """Change a register as a meter might, up or down."""
    opening = dice.choice([one for one in value[2] if one[1] == 2])
    exponent, said = dice.choice([-3, -1, 0, 0, 0, 1, 3]), dcbor.decode(opening[3])
    fields = said[2] | {1: [exponent, dice.randrange(500, 4000)]}
    if dice.randrange(4) == 0:
        fields |= {3: dice.choice(DECIMALS)}
    return _say(value, opening, said | {2: fields})


def moment(value: Any, dice: random.Random) -> Renamed:
    """Change a record's time, or the station's in a reading that the chain reached late."""
    if dice.randrange(2):
        index = dice.randrange(len(value[1]))
        fields = dcbor.decode(mutants._payload(value[1][index]))
        fields[8] = [fields[8][0] + dice.choice([-(10**9), -86_400_000, -60_000, 60_000, 300_000, 10**9]), fields[8][1]]
        return _put(value, 1, index, dcbor.encode(fields))
    opening = dice.choice([one for one in value[2] if one[1] == 4])
    said = dcbor.decode(opening[3])
    return _say(value, opening, said | {2: said[2] | {6: START_MS + dice.randrange(-90, 90) * 1000}})


def entry(value: Any, dice: random.Random) -> Renamed:
    """Change a registry entry; the registry signs it, and the eMSP consents, mostly."""
    index = dice.randrange(len(value[3]))
    protected, _, body, _ = value[3][index].value
    fields = altered(dcbor.decode(body), dice)
    if dice.randrange(3) == 0:
        fields |= {9: START_MS + dice.randrange(-4, 5) * 1_800_000}
    if dice.randrange(8):
        with suppress(InputError):
            made = read_entry(fields)
            if made.role in SOURCE_ROLES:
                fields[12] = [made.consent(EMSP_KEY, REGISTRY).to_value()]
    with suppress(TypeError):
        body = dcbor.encode(fields)
    value[3][index] = _signed(protected, body, Domain.ENTRY, REGISTRY)
    if dice.randrange(4) == 0:
        value[3].pop(dice.randrange(len(value[3])))
    return {}


def receipt(value: Any, dice: random.Random) -> Renamed:
    """Change the CSMS's receipt."""
    protected, _, body, _ = value[8][0].value
    fields = altered(dcbor.decode(body), dice)
    value[8][0] = _signed(protected, dcbor.encode(fields), Domain.RECEIPT, dice.choice([LOG, LOG, LOG, "OTHER/log"]))
    return {}


def stretch(value: Any, dice: random.Random) -> Renamed:
    """Leave records out, double or swap them; leave out proofs, openings or what is referred to."""
    where = dice.choice([1, 1, 2, 4, 5])
    elements = value[where]
    index, other = dice.randrange(len(elements)), dice.randrange(len(elements))
    match dice.randrange(4):
        case 0:
            elements[index], elements[other] = elements[other], elements[index]
        case 1:
            elements.insert(index, elements[other])
        case _:
            elements.pop(index)
    return {}


def beside(value: Any, dice: random.Random) -> Renamed:
    """Put one more signed record beside the chain, of whatever kind; it may refer to the end."""
    fields = {1: 1, 2: dice.randrange(1, 26), 3: dice.choice(["MSP/more", "CPO/more"]), 4: 0, 5: 0, 6: 1, 7: bytes(32)}
    fields |= {8: [START_MS, 2], 11: [mutants._sha(mutants._payload(value[1][-1]))]}
    key = dice.choice([EMSP_KEY, CSMS_KEY])
    body, protected = dcbor.encode(fields), dcbor.encode({1: int(key.public.algorithm), 4: bytes(key.public.kid)})
    item = [_signed(protected, body, RECORD_DOMAIN, LOG), {}]
    value[5] = sorted([*value[5], item], key=lambda one: mutants._sha(mutants._payload(one)))
    return {}


RESIGNED: dict[str, Callable[[Any, random.Random], Renamed]] = {
    "payload": payload,
    "content": content,
    "register": register,
    "moment": moment,
    "entry": entry,
    "receipt": receipt,
    "stretch": stretch,
    "beside": beside,
}


def resigned(kind: str, data: bytes, dice: random.Random) -> bytes:
    """Return a mutant of one kind, whose signatures, log and witnesses are real again."""
    value = dcbor.decode(data, 1 << 24)
    before, proofs = len(value[4]), value[4]
    renamed = RESIGNED[kind](value, dice)
    if renamed:
        receipts = value.get(8)
        value = dcbor.decode(mutants._repair(value, renamed), 1 << 24)
        value |= {8: receipts} if receipts and dice.randrange(2) else {}
    if renamed or kind == "stretch":
        _sign_and_log(value)
    if kind == "stretch" and len(proofs) != before:
        value[4] = proofs
    for number in (3, 8):
        if number in value:
            value[number] = sorted(value[number], key=dcbor.encode)
    return dcbor.encode(value)


def _put(value: Any, where: int, index: int, new: bytes) -> Renamed:
    old = mutants._payload(value[where][index])
    mutants._replace(value, where, index, new)
    return {mutants._sha(old): mutants._sha(new)}


def _say(value: Any, opening: list[Any], said: Any) -> Renamed:
    """Have the record of an opening say something else in that group."""
    payload_hash, gid, secret, _ = opening
    opening[3] = dcbor.encode(said)
    for where in (1, 5):
        for index, item in enumerate(value[where]):
            old = mutants._payload(item)
            if mutants._sha(old) == payload_hash:
                fields = dcbor.decode(old)
                place = dcbor.encode(["wattseal-ctx-v1", *(fields[n] for n in (3, 4, 5, 6)), gid])
                fields[10][gid][0] = mutants._sha(dcbor.encode(["wattseal-commit-v1", place, secret, opening[3]]))
                return _put(value, where, index, dcbor.encode(fields))
    return {}


def _signed(protected: bytes, body: bytes, domain: str, context: str) -> Any:
    key = KEYS[dcbor.decode(protected)[4]]
    signature = key.sign(to_be_signed(protected, dcbor.encode([domain, context]), body))
    return dcbor.sign1([protected, {}, body, signature])


def _sign_and_log(value: Any) -> None:
    """Sign every record again; log those of the chain in a tree of the real log, cosigned by both witnesses."""
    logged = [bytes([n]) * 32 for n in range(3)]
    for where in (5, 1):
        for item in value.get(where, []):
            if not isinstance(item[0], bytes):
                protected, _, body, _ = item[0].value
                item[0] = _signed(protected, body, RECORD_DOMAIN, LOG)
                parts = ["wattseal-leaf-v1", protected, body, item[0].value[3]]
                logged += [mutants._sha(dcbor.encode(parts))] if where == 1 else []

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(logged[index])
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    size = len(logged)
    signed = checkpoints.sign(Checkpoint(LOG, size, root_at(size, node)), LOG_KEY)
    lines = (cosign(signed.note.text, key, START_MS // 1000 + 3600) for key in WITNESSES.values())
    noted = signed.with_signatures(lines)
    value[4] = [TlogProof(at, inclusion_proof(at, size, node), noted).encode() for at in range(3, size)]
