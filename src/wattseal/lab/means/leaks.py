"""Searching bytes for secrets in every plausible spelling."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cbor2

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})+")
BY_CHANCE = 8
"""Fewer digits than these stand somewhere in some megabytes of hexadecimal text."""


def spellings_of_text(text: str) -> Iterator[bytes]:
    """Yield the ways a token may stand in a file: as it is, other cases, UTF-16, hex, base64 at any offset."""
    for case in {text, text.upper(), text.lower()}:
        raw = case.encode()
        yield from _plain_spellings(case)
        for offset in range(3):
            core, _ = _base64(raw, offset)
            if core:
                yield core


def _plain_spellings(text: str) -> Iterator[bytes]:
    raw = text.encode()
    yield raw
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield raw.hex().encode()
    yield raw.hex().upper().encode()


def _base64(raw: bytes, offset: int) -> tuple[bytes, int]:
    """Return what Base64 makes of `raw` wherever it stands `offset` bytes behind a multiple of three, "" if too little.

    And by how many characters that is behind a multiple of four.
    """
    skipped = -(-offset * 8 // 6)
    core = base64.b64encode(bytes(offset) + raw)[skipped : (offset + len(raw)) * 8 // 6]
    return (core, skipped) if len(core) >= 6 else (b"", skipped)


def spellings_of_energy(wh: int) -> Iterator[bytes]:
    """Yield the ways a register may stand in a file; short ones that chance would produce are left out."""
    texts = {str(wh), f"{wh}.0", f"{wh / 1000:.3f}", f"{wh / 1000:g}"}
    for text in texts:
        if _is_short(text.encode()):
            yield from _plain_spellings(text)
        elif len(text) >= 5:
            yield from spellings_of_text(text)
    if wh >= 1 << 24:
        yield wh.to_bytes(4, "big")
        yield wh.to_bytes(4, "little")
    for exponent in (0, -1, -3):
        mantissa = wh * 10**-exponent
        yield cbor2.dumps([exponent, mantissa])


def find_leaks(folder: Path, energies_wh: Iterable[int], tokens: Iterable[str]) -> list[str]:
    """Return what was found in which file of a folder."""
    wanted: list[tuple[str, bytes, Callable[[bytes, bytes], bool]]]
    wanted = [(f"{wh} Wh", s, _stands_in) for wh in energies_wh for s in spellings_of_energy(wh)]
    wanted += [(f"{wh} Wh", s, _in_base64) for wh in energies_wh if _is_short(s := str(wh).encode())]
    wanted += [("a token", s, _stands_in) for token in tokens for s in spellings_of_text(token)]
    found = {f"{name} in {path.name}" for path, data in _files(folder) for name, s, look in wanted if look(data, s)}
    return sorted(found)


def _is_short(text: bytes) -> bool:
    """Return whether it is so few digits that they count only as a number of their own, not amidst a hash or a time."""
    return text.isdigit() and 5 <= len(text) < BY_CHANCE


def _stands_in(data: bytes, spelling: bytes) -> bool:
    alone = _is_short(spelling)
    at = data.find(spelling)
    while at >= 0 and alone and _amidst(data, at, at + len(spelling)):
        at = data.find(spelling, at + 1)
    return at >= 0


def _in_base64(data: bytes, digits: bytes) -> bool:
    """Return whether Base64 of a few digits is found, and what stands around them there lets them be a number."""
    for offset in range(3):
        core, skipped = _base64(digits, offset)
        at = data.find(core) if core else -1
        while at >= 0:
            start = at - skipped
            before, after = _decoded(data[max(0, start - 4) : start]), _decoded(data[start : start + 20])
            place = len(before) + offset
            if not _amidst(before + after, place, place + len(digits)):
                return True
            at = data.find(core, at + 1)
    return False


def _decoded(chars: bytes) -> bytes:
    run = _BASE64.match(chars)
    return b"" if run is None else base64.b64decode(run[0])


def _amidst(data: bytes, begin: int, end: int) -> bool:
    return any(one.isalnum() and one.upper() <= b"F" for one in (data[max(0, begin - 1) : begin], data[end : end + 1]))


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file with its content; where one has gone meanwhile, whatever took its place as well."""
    seen: set[Path] = set()
    gone = True
    while gone:
        gone = False
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p not in seen):
            seen.add(path)
            try:
                yield path, path.read_bytes()
            except FileNotFoundError:
                gone = True
