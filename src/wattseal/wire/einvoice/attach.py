"""What travels inside the PDF: the e-invoice (Factur-X 1.0) and each session's bundle as `<line>.wsb`.

The file follows PDF/A-3: colours by a stated profile, metadata in XMP, each attachment with its relation to the page.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from xml.sax.saxutils import escape

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DecodedStreamObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    TextStringObject,
)

from wattseal.base.errors import InputError
from wattseal.base.text import one_line
from wattseal.crypto.hashes import sha256
from wattseal.model.invoice import Invoice
from wattseal.wire.einvoice.drawing import asset
from wattseal.wire.einvoice.words import WORDS

XML_NAME = "factur-x.xml"
BUNDLE_SUFFIX = ".wsb"
MAX_ATTACHED_BYTES = 256 * 1024 * 1024
"""All attachments of a PDF that is read, unpacked."""
_BUNDLE_NAME = re.compile(r"([1-9][0-9]{0,5})\.wsb", re.ASCII)
_PRODUCER = "wattseal"
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Producer>{producer}</pdf:Producer></rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreatorTool>{producer}</xmp:CreatorTool><xmp:CreateDate>{instant}</xmp:CreateDate>
<xmp:ModifyDate>{instant}</xmp:ModifyDate></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>
<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
_PROPERTIES = {
    "DocumentFileName": "name of the embedded XML invoice file",
    "DocumentType": "INVOICE",
    "Version": "The actual version of the Factur-X XML schema",
    "ConformanceLevel": "The conformance level of the embedded Factur-X data",
}


def attach(pages: bytes, invoice: Invoice, xml: bytes, bundles: Mapping[int, bytes]) -> bytes:
    """Return the PDF with everything in it; `bundles` are by line number."""
    writer = PdfWriter(clone_from=BytesIO(pages))
    writer.pdf_header = "%PDF-1.7"
    files = [_Attachment(XML_NAME, xml, "text/xml", "/Alternative", "Factur-X")]
    for n, data in bundles.items():
        name = f"{n}{BUNDLE_SUFFIX}"
        files.append(_Attachment(name, data, "application/cbor", "/Supplement", f"Evidence of line {n}"))
    files.sort(key=lambda file: file.name)
    specs = [_file(writer, invoice.on, file) for file in files]
    names: list[PdfObject] = []
    for file, spec in zip(files, specs, strict=True):
        names += [TextStringObject(file.name), spec]
    tree = DictionaryObject({NameObject("/Names"): ArrayObject(names)})
    root = writer.root_object
    root[NameObject("/AF")] = ArrayObject(specs)
    root[NameObject("/Names")] = DictionaryObject({NameObject("/EmbeddedFiles"): tree})
    root[NameObject("/PageMode")] = NameObject("/UseAttachments")
    root[NameObject("/Lang")] = TextStringObject(invoice.language.value)
    root[NameObject("/OutputIntents")] = ArrayObject([_intent(writer)])
    root[NameObject("/Metadata")] = _metadata(writer, invoice)
    digest = sha256(xml + pages)[:16]
    writer._ID = ArrayObject([ByteStringObject(digest), ByteStringObject(digest)])  # noqa: SLF001 - no other way
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Attachment:
    name: str
    data: bytes
    media_type: str
    relation: str
    what: str


def _file(writer: PdfWriter, on: date, file: _Attachment) -> IndirectObject:
    stream = DecodedStreamObject()
    stream.set_data(file.data)
    packed = stream.flate_encode()
    packed[NameObject("/Type")] = NameObject("/EmbeddedFile")
    packed[NameObject("/Subtype")] = NameObject("/" + file.media_type)
    packed[NameObject("/Params")] = DictionaryObject(
        {NameObject("/Size"): NumberObject(len(file.data)), NameObject("/ModDate"): TextStringObject(_moment(on))}
    )
    held = writer._add_object(packed)  # noqa: SLF001 - the library has no public way to an associated file
    spec = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/F"): TextStringObject(file.name),
            NameObject("/UF"): TextStringObject(file.name),
            NameObject("/Desc"): TextStringObject(file.what),
            NameObject("/AFRelationship"): NameObject(file.relation),
            NameObject("/EF"): DictionaryObject({NameObject("/F"): held, NameObject("/UF"): held}),
        }
    )
    return writer._add_object(spec)  # noqa: SLF001 - same


def _intent(writer: PdfWriter) -> DictionaryObject:
    profile = DecodedStreamObject()
    profile.set_data(asset("srgb.icc"))
    packed = profile.flate_encode()
    packed[NameObject("/N")] = NumberObject(3)
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/OutputIntent"),
            NameObject("/S"): NameObject("/GTS_PDFA1"),
            NameObject("/OutputConditionIdentifier"): TextStringObject("sRGB"),
            NameObject("/Info"): TextStringObject("sRGB"),
            NameObject("/DestOutputProfile"): writer._add_object(packed),  # noqa: SLF001 - same
        }
    )


def _metadata(writer: PdfWriter, invoice: Invoice) -> IndirectObject:
    title = one_line(f"{WORDS[invoice.language].title(invoice)} {invoice.number}")
    author = one_line(invoice.seller.name)
    properties = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
        for name, what in _PROPERTIES.items()
    )
    instant = f"{invoice.on.isoformat()}T00:00:00Z"
    stream = DecodedStreamObject()
    text = _XMP.format(
        title=escape(title), author=escape(author), producer=_PRODUCER, instant=instant, properties=properties
    )
    stream.set_data(text.encode())
    stream[NameObject("/Type")] = NameObject("/Metadata")
    stream[NameObject("/Subtype")] = NameObject("/XML")
    writer.metadata = {
        "/Title": title,
        "/Author": author,
        "/Creator": _PRODUCER,
        "/Producer": _PRODUCER,
        "/CreationDate": _moment(invoice.on),
        "/ModDate": _moment(invoice.on),
    }
    return writer._add_object(stream)  # noqa: SLF001 - same


def _moment(on: date) -> str:
    return f"D:{on:%Y%m%d}000000Z"


class InvoiceFile:
    """A PDF that claims to be an invoice, taken apart: hostile until it is checked."""

    def __init__(self, data: bytes) -> None:
        """Read it; `InputError` where it is no PDF, or holds no e-invoice."""
        try:
            reader = PdfReader(BytesIO(data))
            attached = _attached(reader)
            self.text = "\n".join(page.extract_text() for page in reader.pages)
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
            text = f"this is no PDF that can be read ({type(error).__name__})"
            raise InputError(text, code="bad_pdf", subject="pdf") from error
        if XML_NAME not in attached:
            raise InputError(f"there is no {XML_NAME} in this PDF", code="no_einvoice", subject="pdf")
        self.xml = attached[XML_NAME]
        self.bundles = {
            int(match[1]): data for name, data in attached.items() if (match := _BUNDLE_NAME.fullmatch(name))
        }


def _attached(reader: PdfReader) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MAX_ATTACHED_BYTES
    for file in reader.attachment_list:
        content = file.content
        left -= len(content)
        if left < 0 or file.name in found:
            raise ValueError("too much is attached, or one name twice")
        found[file.name] = content
    return found
