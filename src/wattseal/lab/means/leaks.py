"""Searching bytes for secrets in every plausible spelling."""

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import cbor2

BY_CHANCE = 8
"""Fewer digits than these stand somewhere in some megabytes of hexadecimal text."""


def spellings_of_text(text: str) -> Iterator[bytes]:
    """Yield the ways a token may stand in a file: as it is, other cases, UTF-16, hex, base64 at any offset."""
    for case in {text, text.upper(), text.lower()}:
        raw = case.encode()
        yield raw
        yield case.encode("utf-16-le")
        yield case.encode("utf-16-be")
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for offset in range(3):
            coded = base64.b64encode(bytes(offset) + raw)
            core = coded[-(-offset * 8 // 6) + (1 if offset else 0) :].rstrip(b"=")[:-1]
            if len(core) >= 6:
                yield core


def spellings_of_energy(wh: int) -> Iterator[bytes]:
    """Yield the ways a register may stand in a file; short ones that chance would produce are left out."""
    texts = {str(wh), f"{wh}.0", f"{wh / 1000:.3f}", f"{wh / 1000:g}"}
    for text in texts:
        if len(text) >= 5:
            yield from spellings_of_text(text)
    if wh >= 1 << 24:
        yield wh.to_bytes(4, "big")
        yield wh.to_bytes(4, "little")
    for exponent in (0, -1, -3):
        mantissa = wh * 10**-exponent
        yield cbor2.dumps([exponent, mantissa])


def find_leaks(folder: Path, energies_wh: Iterable[int], tokens: Iterable[str]) -> list[str]:
    """Return what was found in which file of a folder."""
    wanted = [(f"{wh} Wh", s) for wh in energies_wh for s in spellings_of_energy(wh)]
    wanted += [("a token", s) for token in tokens for s in spellings_of_text(token)]
    return sorted(
        {f"{name} in {path.name}" for path, data in _files(folder) for name, s in wanted if _stands_in(data, s)}
    )


def _stands_in(data: bytes, spelling: bytes) -> bool:
    """Return whether it is found: a few digits count as a number of their own only, not amidst a hash or a time."""
    alone = spelling.isdigit() and len(spelling) < BY_CHANCE
    at = data.find(spelling)
    while at >= 0 and alone and _amidst(data, at, at + len(spelling)):
        at = data.find(spelling, at + 1)
    return at >= 0


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
