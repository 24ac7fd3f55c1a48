"""Transparency files: `<values><value><signedData/><publicKey/></value></values>`, as drivers get them.

The XML is read by the standard library's expat with every dangerous feature refused at its declaration: a document
type, and so entities, external or not, ends the reading. Nothing is fetched and nothing in a text is resolved. The
key in the file is the file's own claim: it tells whether the file agrees with itself, not who signed.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto.curves import key_bytes
from wattseal.evidence import strict_xml
from wattseal.evidence.format import Checked
from wattseal.evidence.formats import FORMATS
from wattseal.model.verdict import Verdict

MAX_BYTES = 4 * 1024 * 1024
MAX_VALUES = 10_000
MAX_DEPTH = 8
_HEX = re.compile(r"[0-9A-Fa-f\s]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class TransparencyValue:
    """One `<value>`: attributes as written, `data` the record's bytes, `key` the file's key decoded.

    `data` is None where there is none or its encoding is broken; `key_problem` is a reason code where `key` is None.
    """

    transaction_id: str
    context: str
    format: str
    data: bytes | None
    key: bytes | None
    key_problem: str = ""


def sniff(raw: bytes) -> bool:
    """Return whether `raw` starts like XML."""
    return raw.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"<")


def read(raw: bytes) -> tuple[TransparencyValue, ...]:
    """Return the values in document order. XML that is not well-formed, too big or declares a DTD: `InputError`."""
    if len(raw) > MAX_BYTES:
        raise LimitError("a transparency file is at most 4 MiB", code="too_large", subject="xml")
    reader = _Reader()
    parser = strict_xml.parser()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    strict_xml.feed(parser, raw)
    return tuple(reader.values)


def check(value: TransparencyValue, keys: Sequence[bytes] | None = None) -> Checked:
    """Check one value under `keys`, or where none are given under the file's own key; never raises."""
    if value.data is None:
        return Checked(value.format, Verdict.UNREADABLE, "no_data")
    for candidate in FORMATS:
        if candidate.sniff(value.data):
            claimed = value.key if value.key is not None else candidate.own_key(value.data)
            own = () if claimed is None else (claimed,)
            checked = candidate.check(value.data, own if keys is None else keys)
            if keys is None and checked.reason == "no_key" and value.key_problem:
                return Checked(checked.format, checked.verdict, value.key_problem, checked.meaning)
            return checked
    return Checked(value.format, Verdict.UNREADABLE, "format_unknown")


@dataclass(slots=True)
class _Reader:
    """Expat's events into values; texts gather in `parts` while inside signedData or publicKey."""

    values: list[TransparencyValue] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) > MAX_DEPTH:
            raise LimitError("XML nests too deep", code="too_deep", subject="xml")
        if len(self.path) == 1 and name != "values":
            raise InputError("the root element is not <values>", code="bad_xml", subject="xml")
        if self.path == ["values", "value"]:
            if len(self.values) >= MAX_VALUES:
                raise LimitError("more than 10000 values", code="too_large", subject="xml")
            self.attributes, self.texts = attributes, {}
        elif len(self.path) == 3:
            if name in self.texts:
                raise InputError(f"<{name}> twice in one <value>", code="bad_xml", subject="xml")
            self.parts = []
            self.texts[name] = ("", attributes)

    def text(self, data: str) -> None:
        self.parts.append(data)

    def end(self, name: str) -> None:
        if len(self.path) == 3:
            self.texts[name] = ("".join(self.parts), self.texts[name][1])
        elif self.path == ["values", "value"]:
            self.values.append(self._value())
        self.path.pop()

    def _value(self) -> TransparencyValue:
        data, attributes = self.texts.get("signedData", ("", {}))
        text, key_attributes = self.texts.get("publicKey", ("", {}))
        key, problem = _key(text, key_attributes.get("encoding", ""))
        return TransparencyValue(
            transaction_id=self.attributes.get("transactionId", ""),
            context=self.attributes.get("context", ""),
            format=attributes.get("format", ""),
            data=_data(data, attributes.get("encoding", "")),
            key=key,
            key_problem=problem,
        )


def _data(text: str, encoding: str) -> bytes | None:
    """Return a record's bytes: text as UTF-8, or what its base64 or hex stands for when the file says so."""
    try:
        match encoding.lower():
            case "hex":
                return bytes.fromhex("".join(text.split()))
            case "base64":
                return base64.b64decode("".join(text.split()), validate=True)
            case _:
                return text.encode("utf-8") if text.strip() else None
    except (binascii.Error, ValueError):
        return None


def _key(text: str, encoding: str) -> tuple[bytes | None, str]:
    """Return the key's bytes, or a reason code; files say "plain" of hex and nothing of base64, so the text decides."""
    if not text.strip():
        return None, "no_key"
    try:
        if encoding.lower() == "base64" and _HEX.fullmatch(text):
            return base64.b64decode("".join(text.split()), validate=True), ""
        return key_bytes(text), ""
    except (InputError, ValueError):
        return None, "bad_key"
