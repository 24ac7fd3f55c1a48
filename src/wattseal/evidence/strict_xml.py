"""XML from signers and drivers, read strictly: no document type, no entities, nothing fetched, bounded work.

The standard library's expat reads; every dangerous feature is refused where it is declared. Names are taken as
written, a prefix included: nothing here resolves a namespace.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from wattseal.base.errors import InputError, LimitError

MAX_ELEMENTS = 2000
MAX_DEPTH = 12


@dataclass(slots=True)
class Element:
    """One element: its own text without that of its children, which stand in document order."""

    name: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The element's own text, white space as written."""
        return "".join(self.parts)

    def all(self, name: str) -> tuple["Element", ...]:
        """Return every element of this name, at any depth, in document order; elements do not nest in their own."""
        if self.name == name:
            return (self,)
        return tuple(found for child in self.children for found in child.all(name))

    def only(self, name: str) -> "Element":
        """Return the one child of this name; none or two raise `InputError`."""
        found = self.optional(name)
        if found is None:
            raise InputError(f"<{self.name}> has no <{name}>", code="field_missing", subject=name)
        return found

    def optional(self, name: str) -> "Element | None":
        """Return the child of this name, None where there is none; two raise `InputError`."""
        found = [child for child in self.children if child.name == name]
        if len(found) > 1:
            raise InputError(f"<{name}> stands twice in <{self.name}>", code="field_doubled", subject=name)
        return found[0] if found else None


def parser() -> expat.XMLParserType:
    """Return expat with document types and entities refused."""
    created = expat.ParserCreate()
    created.buffer_text = True
    created.StartDoctypeDeclHandler = _refuse
    created.EntityDeclHandler = _refuse
    return created


def feed(reader: expat.XMLParserType, raw: bytes) -> None:
    """Read the whole document; what is not well-formed raises `InputError`."""
    try:
        reader.Parse(raw, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        text = f"not well-formed XML (line {error.lineno})"
        raise InputError(text, code="bad_xml", subject="xml") from error
    except (LookupError, ValueError) as error:
        raise InputError("XML in an unknown encoding", code="bad_xml", subject="xml") from error


def read(raw: bytes, max_bytes: int) -> Element:
    """Return the document's root; trouble is an `InputError` with a code."""
    if len(raw) > max_bytes:
        raise LimitError(f"an XML record is at most {max_bytes} bytes", code="too_large", subject="xml")
    builder = _Builder()
    reader = parser()
    reader.StartElementHandler = builder.start
    reader.EndElementHandler = builder.end
    reader.CharacterDataHandler = builder.text
    feed(reader, raw)
    return builder.root.children[0]


def starts(raw: bytes, *names: bytes) -> bool:
    """Return whether `raw` looks like XML whose root is one of `names`: after a declaration and comments, at most."""
    head = raw[:1024].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    while head.startswith((b"<?", b"<!--")):
        end = b"?>" if head.startswith(b"<?") else b"-->"
        _, found, head = head.partition(end)
        if not found:
            return False
        head = head.lstrip(b" \t\r\n")
    return any(head.startswith(b"<" + name) and head[len(name) + 1 :][:1] in b" \t\r\n>/" for name in names)


def _refuse(*_: object) -> None:
    raise InputError("XML with a document type or entities is refused", code="xml_doctype", subject="xml")


@dataclass(slots=True)
class _Builder:
    """Expat's events into a tree under `root`, which stands for the document."""

    root: Element = field(default_factory=lambda: Element("", {}))
    path: list[Element] = field(default_factory=list)
    count: int = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MAX_ELEMENTS:
            raise LimitError(f"more than {MAX_ELEMENTS} elements", code="too_large", subject="xml")
        if len(self.path) >= MAX_DEPTH:
            raise LimitError("XML nests too deep", code="too_deep", subject="xml")
        element = Element(name, attributes)
        (self.path[-1] if self.path else self.root).children.append(element)
        self.path.append(element)

    def end(self, _: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        self.path[-1].parts.append(data)
