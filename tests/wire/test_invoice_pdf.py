"""The PDF alone proves every line: what is attached, what is stated and what is printed are held against each other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader, PdfWriter
from tests.rules.test_invoicing import FRENCH, HEAD
from tests.support.bills import GMBH, bill, share
from tests.support.einvoice import assert_valid
from tests.support.worlds import sealed_charge, trust

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.report import Outcome
from wattseal.bundle.trust import Trust
from wattseal.model.billing import Bill, TaxShare
from wattseal.model.invoice import Invoice, Language, Original
from wattseal.model.tariff import Price
from wattseal.model.verdict import Grade, Source
from wattseal.rules.invoicing import Head, Session, make_invoice
from wattseal.wire.einvoice.attach import InvoiceFile, attach
from wattseal.wire.einvoice.check import InvoiceReport, check_invoice
from wattseal.wire.einvoice.cii import to_cii
from wattseal.wire.einvoice.glyphs import MISSING, drawable
from wattseal.wire.einvoice.pdf import to_pdf

RECEIPTS = "https://csms.example/r/"
NUMBERED = replace(HEAD, number="LW-2026-000042", receipts=RECEIPTS)
ENGLISH = replace(GMBH, language=Language.ENGLISH)
CHARGE = sealed_charge()
BUNDLE = CHARGE.bundle.encode()
HOSTILE = '=cmd|"/c calc"!A1 Zoë 🚗 شركة חברה \x00\x1b[31m\u202egnp'


def proven_bill() -> Bill:
    """The bill of the charge that the bundle proves."""
    cdr = CdrSummary.read(CHARGE.bundle.cdr)
    tax = cdr.total_incl_vat - cdr.total_excl_vat
    return replace(
        bill(1, TaxShare(Decimal(20), cdr.total_excl_vat, tax)),
        id=cdr.id,
        started_ms=cdr.start_ms,
        ended_ms=cdr.end_ms,
        energy_wh=cdr.energy_wh,
        total=Price(cdr.total_excl_vat, cdr.total_incl_vat),
        grade=Grade.G4,
        source=Source.EDGE,
    )


def sessions(*bills: Bill, place: str = "Hauptplatz") -> list[Session]:
    return [Session(one, place, "Europe/Berlin", f"receipt{n:017d}") for n, one in enumerate(bills)]


def invoice(*bills: Bill, head: Head = NUMBERED, place: str = "Hauptplatz") -> Invoice:
    return make_invoice(head, sessions(*bills, place=place))


def rendered(made: Invoice, bundles: dict[int, bytes] | None = None, xml: bytes | None = None) -> bytes:
    return attach(to_pdf(made), made, xml or to_cii(made), {1: BUNDLE} if bundles is None else bundles)


def checked(pdf: bytes, believed: Trust | None = None) -> InvoiceReport:
    return check_invoice(pdf, believed or trust())


def verdicts(report: InvoiceReport) -> list[tuple[Outcome, str]]:
    return [(line.verdict, line.reason) for line in report.lines]


def texts(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def test_the_pdf_alone_proves_its_line() -> None:
    report = checked(rendered(invoice(proven_bill())))
    assert verdicts(report) == [(Outcome.VALID, "")]
    assert (report.verdict, list(report.faults)) == (Outcome.VALID, [])
    bundle = report.lines[0].report
    assert bundle is not None
    assert (bundle.grade, bundle.source) == (Grade.G4, Source.EDGE)


def test_the_einvoice_inside_is_valid_and_the_bytes_are_the_same_every_time() -> None:
    made = invoice(proven_bill())
    pdf = rendered(made)
    assert pdf == rendered(made)
    file = InvoiceFile(pdf)
    assert file.xml == to_cii(made)
    assert file.bundles == {1: BUNDLE}
    assert_valid(file.xml)


def test_without_a_trust_file_nothing_is_valid() -> None:
    report = check_invoice(rendered(invoice(proven_bill())), None)
    assert verdicts(report) == [(Outcome.INCOMPLETE, "trust")]


Lie = Callable[[Bill], Bill]


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lambda b: replace(b, energy_wh=b.energy_wh + 1), "energy_differs"),
        (lambda b: replace(b, ended_ms=b.ended_ms + 60_000), "times_differ"),
        (lambda b: replace(b, taxes=(replace(b.taxes[0], net=b.taxes[0].net + 1),)), "price_differs"),
        (lambda b: replace(b, taxes=(replace(b.taxes[0], tax=Decimal(0)),)), "price_differs"),
        (lambda b: replace(b, source=Source.METER), "source_differs"),
        (lambda b: replace(b, id="ab" * 16), "another_session"),
    ],
)
def test_a_line_that_says_otherwise_than_its_bundle_is_invalid(lie: Lie, reason: str) -> None:
    report = checked(rendered(invoice(lie(proven_bill()))))
    assert verdicts(report) == [(Outcome.INVALID, reason)]


def test_a_grade_is_not_to_be_exaggerated_and_may_have_risen() -> None:
    understated = replace(proven_bill(), grade=Grade.G2)
    assert checked(rendered(invoice(understated))).verdict is Outcome.VALID
    few = replace(trust(), witnesses=trust().witnesses[:1], quorum=1)
    report = checked(rendered(invoice(proven_bill())), few)
    assert verdicts(report) == [(Outcome.INVALID, "grade_differs")]


def test_a_bundle_that_is_altered_missing_or_garbage_proves_nothing() -> None:
    made = invoice(proven_bill())
    spoilt = bytearray(BUNDLE)
    spoilt[len(spoilt) // 2] ^= 1
    assert checked(rendered(made, {1: bytes(spoilt)})).verdict is Outcome.INVALID
    assert verdicts(checked(rendered(made, {}))) == [(Outcome.INCOMPLETE, "bundle")]
    assert verdicts(checked(rendered(made, {1: b"garbage"}))) == [(Outcome.INVALID, "bundle_unreadable")]


def test_one_session_is_not_charged_twice_by_two_lines() -> None:
    once = proven_bill()
    report = checked(rendered(invoice(once, once), {1: BUNDLE, 2: BUNDLE}))
    assert verdicts(report) == [(Outcome.INVALID, "charged_twice")] * 2


def test_a_bundle_of_no_line_is_a_fault() -> None:
    report = checked(rendered(invoice(proven_bill()), {1: BUNDLE, 7: BUNDLE}))
    assert (report.verdict, list(report.faults)) == (Outcome.INVALID, ["bundle_of_no_line"])


def test_pages_that_show_other_figures_than_the_einvoice_are_found_out() -> None:
    true, other = invoice(proven_bill()), replace(proven_bill(), energy_wh=Decimal(99_000))
    pdf = attach(to_pdf(invoice(other)), true, to_cii(true), {1: BUNDLE})
    assert verdicts(checked(pdf)) == [(Outcome.INVALID, "printed_differs")]
    dear = replace(proven_bill(), taxes=(share("90.00", "20"),))
    pdf = attach(to_pdf(invoice(dear)), true, to_cii(true), {1: BUNDLE})
    report = checked(pdf)
    assert verdicts(report) == [(Outcome.INVALID, "printed_differs")]
    assert "printed_total_differs" in report.faults


@pytest.mark.parametrize(
    ("find", "put", "fault"),
    [
        (b"<ram:DuePayableAmount>1.61<", b"<ram:DuePayableAmount>1.60<", "payable_differs"),
        (b"<ram:CalculatedAmount>0.27<", b"<ram:CalculatedAmount>0.26<", "vat_differs"),
        (b"<ram:BasisAmount>1.34<", b"<ram:BasisAmount>1.35<", "vat_basis_differs"),
        (b"<ram:GrandTotalAmount>1.61<", b"<ram:GrandTotalAmount>1.62<", "gross_total_differs"),
    ],
)
def test_sums_are_added_up_again(find: bytes, put: bytes, fault: str) -> None:
    made = invoice(proven_bill())
    xml = to_cii(made)
    assert xml.count(find) == 1, xml
    assert fault in checked(rendered(made, xml=xml.replace(find, put))).faults


def test_a_bill_corrected_by_a_decision_proves_its_energy_and_not_its_price() -> None:
    cheaper = replace(proven_bill(), taxes=(share("1.00", "20"),), corrects="x")
    assert verdicts(checked(rendered(invoice(cheaper)))) == [(Outcome.INCOMPLETE, "price_decided")]


def test_a_credit_note_is_proven_by_the_same_bundle() -> None:
    head = replace(NUMBERED, number="LWG-1", original=Original("LW-2026-000042", date(2026, 12, 1)))
    assert checked(rendered(invoice(proven_bill(), head=head))).verdict is Outcome.VALID


@pytest.mark.parametrize(
    "garbage", [b"", b"%PDF-1.7\n", b"\x00" * 5000, BUNDLE, b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj"]
)
def test_what_is_no_invoice_is_said_to_be_none(garbage: bytes) -> None:
    with pytest.raises(InputError) as told:
        checked(garbage)
    assert told.value.code in {"bad_pdf", "no_einvoice"}


def test_a_pdf_without_an_einvoice_is_none() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    buffer = BytesIO()
    writer.write(buffer)
    with pytest.raises(InputError, match="no factur-x"):
        checked(buffer.getvalue())


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<a/>",
        b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
        b"<!DOCTYPE a [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><a>&b;</a>",
        to_cii(invoice(proven_bill())).replace(b"Energy Wh", b"Energy"),
        to_cii(invoice(proven_bill())).replace(b"<ram:Value>2000</ram:Value>", b"<ram:Value>NaN</ram:Value>"),
    ],
)
def test_an_einvoice_that_is_none_of_ours_is_refused(xml: bytes) -> None:
    made = invoice(proven_bill())
    with pytest.raises(InputError) as told:
        checked(attach(to_pdf(made), made, xml, {}))
    assert told.value.code == "bad_einvoice"


def test_every_line_is_printed_with_its_evidence_in_plain_words_and_text_can_be_selected() -> None:
    german = " ".join(texts(rendered(invoice(proven_bill())))[0].split())
    for words in ("Rechnung LW-2026-000042", "Jürgen Groß", "2,000", "Zu zahlen 1,61 EUR", "Seite 1 von 1"):
        assert words in german
    assert "G4: von dem Gerät an der Ladestation signiert" in german
    english = " ".join(texts(rendered(invoice(proven_bill(), head=replace(NUMBERED, seller=ENGLISH))))[0].split())
    assert "G4: signed by the device beside the station, two witnesses, sealed from the operator" in english
    assert "Amount due 1.61 EUR" in english


def test_sixty_lines_repeat_the_heading_and_number_the_pages() -> None:
    pages = texts(to_pdf(invoice(*(bill(n) for n in range(60)))))
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"Seite {number} von {len(pages)}" in page
        assert "LW-2026-000042" in page
    assert all("Ladevorgang" in page for page in pages[:-1])
    assert sum(page.count("Hauptplatz") for page in pages) == 60
    assert sum(page.count("Zu zahlen") for page in pages) == 1


def drawn(pdf: bytes) -> list[tuple[float, float, str]]:
    """Return what stands where: x, y and text of everything set on the pages."""
    found: list[tuple[float, float, str]] = []

    def visit(text: str, _cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        if text.strip():
            found.append((tm[4], tm[5], text))

    for page in PdfReader(BytesIO(pdf)).pages:
        page.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize("place", ["P", "Parkhaus " * 30, "Donaudampfschifffahrtsgesellschaft" * 8, HOSTILE])
def test_nothing_is_set_outside_the_page_or_into_the_foot(place: str) -> None:
    shares = (share("12345.67", "19"), share("-2.00", "7"), share("1.00", "0"), share("0.50", None))
    buyer = replace(FRENCH, name=place, street=place, city=place, reference=place[:100])
    seller = replace(ENGLISH, name=place, street=place, contact=place)
    made = invoice(
        *(bill(n, *shares) for n in range(9)), head=replace(NUMBERED, buyer=buyer, seller=seller), place=place
    )
    pdf = to_pdf(made)
    assert len(PdfReader(BytesIO(pdf)).pages) < 9
    for x, y, _ in drawn(pdf):
        assert 40 < x < 555
        assert 25 < y < 835


def test_a_preview_says_that_it_is_none_and_has_no_number() -> None:
    page = texts(to_pdf(invoice(bill(1), head=replace(NUMBERED, number=""))))[0]
    assert "Vorschau, keine Rechnung" in page


def test_no_control_or_turning_character_reaches_the_page() -> None:
    page = texts(to_pdf(invoice(bill(1), place=HOSTILE)))[0]
    assert "=cmd" in page
    assert not {"\x00", "\x1b", "\u202e"} & set(page)


def test_hours_that_come_twice_say_which_they_are() -> None:
    start_ms = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp() * 1000)
    one = replace(bill(1), started_ms=start_ms, ended_ms=start_ms + 3_600_000)
    assert "25.10.2026 02:30 CEST - 02:30 CET" in texts(to_pdf(invoice(one)))[0]


def test_fonts_are_embedded_and_nothing_leads_out_but_the_receipts() -> None:
    pdf = rendered(invoice(proven_bill()))
    reader = PdfReader(BytesIO(pdf))
    fonts = reader.pages[0]["/Resources"]["/Font"]  # type: ignore[index] # a page has resources
    assert all("/FontFile2" in fonts[name]["/FontDescriptor"] for name in fonts)
    assert b"Helvetica" not in pdf
    links = [a.get_object()["/A"]["/URI"] for a in reader.pages[0].get("/Annots", [])]
    assert links == [RECEIPTS + "receipt00000000000000000"]
    assert not {"/OpenAction", "/AA", "/AcroForm"} & set(reader.root_object)


def test_arabic_letters_join_and_hebrew_is_turned_round() -> None:
    everything = range(0x110000)
    assert drawable("שלום 12", everything) == "םולש 12"
    assert drawable("abc שלום עולם def", everything) == "abc םלוע םולש def"
    assert drawable("بب", everything) == "\ufe90\ufe91"
    assert drawable("a☃", range(0x80)) == "a" + MISSING
