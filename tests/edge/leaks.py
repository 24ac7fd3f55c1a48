"""Looking for secrets in bytes: a value in every spelling that software is likely to give it."""

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import cbor2

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){12,}")


def number_spellings(wh: Decimal) -> dict[str, bytes]:
    """Return an energy in Wh as software writes it: text in Wh and kWh, binary integers and floats, CBOR."""
    whole = int(wh)
    texts = {f"{wh}", f"{wh:.1f}", f"{wh:.2f}", f"{wh / 1000}", f"{whole:x}", f"{whole:X}", f"{whole / 1000:.3f}"}
    found = {f"text {text}": text.encode() for text in texts if len(text) >= 5}
    found |= {f"utf-16 {text}": text.encode("utf-16-le") for text in texts}
    for unit, value in (("Wh", whole), ("mWh", whole * 1000)):
        for size in (3, 4, 8):
            if value < 1 << (8 * size):
                found[f"{unit} big {size}"] = value.to_bytes(size)
                found[f"{unit} little {size}"] = value.to_bytes(size, "little")
        found[f"{unit} cbor"] = cbor2.dumps(value)
    for told in (wh, wh / 1000):
        found[f"double {told}"] = cbor2.dumps(float(told))[1:]
        found[f"double little {told}"] = found[f"double {told}"][::-1]
    return found


def text_spellings(text: str) -> dict[str, bytes]:
    """Return a token as software writes it: cases, encodings, bare hashes; nothing shorter than six bytes."""
    found: dict[str, bytes] = {}
    for name, form in (("as is", text), ("lower", text.lower()), ("upper", text.upper()), ("reversed", text[::-1])):
        found[name] = form.encode()
        found[f"{name} utf-16"] = form.encode("utf-16-le")
        found[f"{name} json"] = json.dumps(form)[1:-1].encode()
        found[f"{name} url"] = quote(form).encode()
        found[f"{name} hex"] = form.encode().hex().encode()
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + form.encode())
            found[f"{name} base64 {shift}"] = coded[4 if shift else 0 : -4]
        found[f"{name} base32"] = base64.b32encode(form.encode()).rstrip(b"=")[:-2]
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text):
        raw = bytes.fromhex(text)
        found |= {"bytes": raw, "bytes reversed": raw[::-1], "decimal": str(int(text, 16)).encode()}
    for algorithm in ("sha256", "sha1", "md5"):
        for form in (text, text.lower(), text.upper()):
            found[f"{algorithm} of {form}"] = _digest(algorithm, form.encode())[:8]
    return {name: spelling for name, spelling in found.items() if len(spelling) >= 6}


def _digest(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def layers(data: bytes, depth: int = 3) -> Iterator[bytes]:
    """Yield the bytes themselves and what base64, hex and deflate texts inside them decode to, layer by layer."""
    yield data
    if depth == 0:
        return
    for match in _BASE64.finditer(data):
        text = match[0].replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
        try:
            yield from layers(base64.b64decode(text + b"=" * (-len(text) % 4)), depth - 1)
        except binascii.Error:
            continue
    for match in _HEX.finditer(data):
        yield from layers(bytes.fromhex(match[0].decode()), depth - 1)
    for start in (m.start() for m in re.finditer(rb"\x78[\x01\x9c\xda]", data)):
        try:
            yield from layers(zlib.decompressobj().decompress(data[start:]), depth - 1)
        except zlib.error:
            continue


def found_in(data: bytes, canaries: dict[str, bytes]) -> set[str]:
    """Return the names of the spellings that occur in any layer of `data`."""
    return {name for layer in layers(data) for name, spelling in canaries.items() if spelling in layer}


def found_under(folder: Path, canaries: dict[str, bytes]) -> dict[str, set[str]]:
    """Return what is found in each file under a folder, write-ahead logs and journals included."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = {str(path.relative_to(folder)): found_in(path.read_bytes(), canaries) for path in files}
    return {name: names for name, names in found.items() if names}
