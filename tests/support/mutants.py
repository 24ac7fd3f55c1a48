"""Mutants of bundles: flipped bytes, changed fields, and forgeries with every unkeyed hash made right again."""

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

from wattseal.base.errors import InputError
from wattseal.log import checkpoint as checkpoints
from wattseal.log.checkpoint import Checkpoint
from wattseal.log.keys import SignatureType, SigningKey
from wattseal.log.merkle import inclusion_proof, leaf_hash, node_hash, root_at
from wattseal.log.proof import TlogProof
from wattseal.seal import dcbor

UNKNOWN_LOG = b"\x5a" * 32


def flip_byte(data: bytes, dice: random.Random) -> bytes:
    """Change, drop, double or insert one byte, or cut the tail off."""
    at = dice.randrange(len(data))
    match dice.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + 1 :]
        case 2:
            return data[:at] + bytes([dice.randrange(256)]) + data[at:]
        case _:
            changed = data[at] ^ dice.randrange(1, 256)
            return data[:at] + bytes([changed]) + data[at + 1 :]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf, looking inside byte strings that hold CBOR."""
    if isinstance(value, dcbor.Tagged):
        yield from leaves(value.value, (*path, "tag"))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from leaves(element, (*path, index))
    elif isinstance(value, dict):
        for key, element in value.items():
            yield from leaves(element, (*path, key))
    else:
        inner = _inner(value)
        if inner is not None:
            yield from leaves(inner, (*path, "cbor"))
        else:
            yield path


def _inner(value: Any) -> Any:
    if isinstance(value, bytes) and len(value) > 8 and value[:1] >= b"\x81":
        try:
            decoded = dcbor.decode(value)
        except InputError:
            return None
        return decoded if isinstance(decoded, list | dict) else None
    return None


def change_at(value: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """Return `value` with the leaf at `path` changed and everything around it encoded again."""
    if not path:
        return change(value)
    step, rest = path[0], path[1:]
    if step == "tag":
        return dcbor.Tagged(change_at(value.value, rest, change))
    if step == "cbor":
        return dcbor.encode(change_at(dcbor.decode(value), rest, change))
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[step] = change_at(value[step], rest, change)
    return copied


def other_value(value: Any, dice: random.Random) -> Any:
    """Return a value of the same type, but another one."""
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int):
        return value + dice.choice([-1, 1, 10, -1000, 256])
    if isinstance(value, str):
        return value[:-1] + ("X" if value[-1:] != "X" else "Y")
    if not value:
        return b"\x01"
    at = dice.randrange(len(value))
    return value[:at] + bytes([value[at] ^ dice.randrange(1, 256)]) + value[at + 1 :]


def change_field(data: bytes, dice: random.Random) -> bytes:
    """Decode, change one leaf, encode again."""
    value = dcbor.decode(data, 1 << 24)
    path = dice.choice(list(leaves(value)))
    return dcbor.encode(change_at(value, path, lambda leaf: other_value(leaf, dice)))


OTHER_TYPES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    b"",
    "",
    [],
    {},
    [1],
    {1: 2},
    [b"x", {}],
    "x" * 300,
    b"x" * 32,
)


def change_type(data: bytes, dice: random.Random) -> bytes:
    """Decode, put a value of any type in the place of one leaf, encode again."""
    value = dcbor.decode(data, 1 << 24)
    path = dice.choice(list(leaves(value)))
    return dcbor.encode(change_at(value, path, lambda _: dice.choice(OTHER_TYPES)))


def forge_payload(data: bytes, dice: random.Random) -> bytes:
    """Change one field of one payload, then repair prev, refs, openings, commitments' targets, tree and checkpoint."""
    value = dcbor.decode(data, 1 << 24)
    where = dice.choice([1, 1, 1, 5] if value.get(5) else [1])
    index = dice.randrange(len(value[where]))
    old = _payload(value[where][index])
    fields = dcbor.decode(old)
    path = dice.choice([p for p in leaves(fields) if p[0] != 7])
    changed = change_at(fields, path, lambda leaf: other_value(leaf, dice))
    _replace(value, where, index, dcbor.encode(changed))
    return _repair(value, {_sha(old): _sha(dcbor.encode(changed))})


def forge_content(data: bytes, dice: random.Random) -> bytes:
    """Change one opened value and recompute its commitment, the chain, the tree and the checkpoint."""
    value = dcbor.decode(data, 1 << 24)
    opening = dice.choice(value[2])
    payload_hash, gid, secret, content = opening
    fields = dcbor.decode(content)
    path = dice.choice(list(leaves(fields)))
    opening[3] = dcbor.encode(change_at(fields, path, lambda leaf: other_value(leaf, dice)))
    for index, item in enumerate(value[1]):
        old = _payload(item)
        if _sha(old) != payload_hash:
            continue
        payload = dcbor.decode(old)
        place = dcbor.encode(["wattseal-ctx-v1", payload[3], payload[4], payload[5], payload[6], gid])
        payload[10][gid][0] = _sha(dcbor.encode(["wattseal-commit-v1", place, secret, opening[3]]))
        _replace(value, 1, index, dcbor.encode(payload))
        return _repair(value, {_sha(old): _sha(dcbor.encode(payload))})
    return dcbor.encode(value)


def _sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _payload(item: Any) -> bytes:
    head = item[0]
    payload: bytes = head if isinstance(head, bytes) else head.value[2]
    return payload


def _replace(value: Any, where: int, index: int, payload: bytes) -> None:
    head = value[where][index][0]
    if isinstance(head, bytes):
        value[where][index][0] = payload
    else:
        parts = list(head.value)
        parts[2] = payload
        value[where][index][0] = dcbor.Tagged(parts)


def _repair(value: Any, renamed: dict[bytes, bytes]) -> bytes:
    for where in (5, 1):
        for index, item in enumerate(value.get(where, [])):
            old = _payload(item)
            try:
                fields = dcbor.decode(old)
                fields[7] = renamed.get(fields[7], fields[7])
                if 11 in fields:
                    fields[11] = [renamed.get(r, r) for r in fields[11]]
                new = dcbor.encode(fields)
            except (InputError, KeyError, TypeError):
                continue
            if new != old:
                renamed[_sha(old)] = _sha(new)
                _replace(value, where, index, new)
    value[2] = sorted(
        ([renamed.get(h, h), g, s, c] for h, g, s, c in value[2]), key=lambda opening: (opening[0], opening[1])
    )
    if value.get(5):
        value[5] = sorted(value[5], key=lambda item: _sha(_payload(item)))
    value[4] = _new_proofs(value)
    value.pop(8, None)
    return dcbor.encode(value)


def _new_proofs(value: Any) -> list[bytes]:
    """Log the forged records again in a tree of one's own, signed by a key nobody trusts under the log's name."""
    entries = []
    for head, _ in value[1]:
        if not isinstance(head, bytes):
            protected, _, payload, signature = head.value
            entries.append(_sha(dcbor.encode(["wattseal-leaf-v1", protected, payload, signature])))
    origin = TlogProof.parse(value[4][0]).checkpoint.checkpoint.origin
    key = SigningKey(origin, SignatureType.ED25519, UNKNOWN_LOG)

    def node(level: int, index: int) -> bytes:
        if level == 0:
            return leaf_hash(entries[index])
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    size = len(entries)
    signed = checkpoints.sign(Checkpoint(origin, size, root_at(size, node)), key)
    return [TlogProof(i, inclusion_proof(i, size, node), signed).encode() for i in range(size)]


MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "bytes": flip_byte,
    "fields": change_field,
    "types": change_type,
    "forged payloads": forge_payload,
    "forged contents": forge_content,
}
