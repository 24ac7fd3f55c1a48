"""What invoices say, in the languages they are written in, and how numbers and dates are written there."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from wattseal.model.invoice import Invoice, InvoiceKind, Language, VatCategory
from wattseal.model.verdict import Grade, Source
from wattseal.pricing.money import minor_unit_digits


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    invoice: str
    credit_note: str
    preview: str
    credits: str
    number: str
    on: str
    due: str
    period: str
    account: str
    vat_id: str
    tax_number: str
    session: str
    reference: str
    net: str
    vat: str
    gross: str
    rate: str
    rate_short: str
    net_total: str
    vat_total: str
    gross_total: str
    rounding: str
    rounding_why: str
    paid: str
    payable: str
    given_back: str
    page: str
    of: str
    evidence: str
    tariff: str
    receipt: str
    ruled: str
    corrected: str
    pay_to: str
    paid_already: str
    credited: str
    proof: str
    reverse: str
    zero: str
    exempt: str
    grades: dict[Grade, str]
    sources: dict[Source, str]
    thousands: str
    point: str
    date_format: str

    def title(self, invoice: Invoice) -> str:
        """Return what kind of document it is."""
        return self.credit_note if invoice.kind is InvoiceKind.CREDIT_NOTE else self.invoice

    def amount(self, value: Decimal, currency: str) -> str:
        """Return an amount of money without its currency: 1,234.50 or 1.234,50."""
        return self.decimal(value, minor_unit_digits(currency))

    def decimal(self, value: Decimal, digits: int) -> str:
        """Return a number with so many digits after the point."""
        text = f"{value + 0:,.{digits}f}"
        return text.translate({ord(","): self.thousands, ord("."): self.point})

    def kwh(self, energy_wh: Decimal) -> str:
        """Return energy in kWh, with three digits at least and every other that it has."""
        kwh = energy_wh / 1000
        exponent = kwh.normalize().as_tuple().exponent
        return self.decimal(kwh, max(3, -exponent if isinstance(exponent, int) else 3))

    def percent(self, rate: Decimal) -> str:
        """Return a rate of VAT."""
        exponent = rate.normalize().as_tuple().exponent
        return self.decimal(rate, max(0, -exponent if isinstance(exponent, int) else 0)) + " %"

    def day(self, on: date) -> str:
        """Return a date."""
        return on.strftime(self.date_format)

    def why_untaxed(self, category: VatCategory, exemption: str) -> str:
        """Return why no VAT is charged in a category; "" where it is."""
        match category:
            case VatCategory.REVERSE_CHARGE:
                return self.reverse
            case VatCategory.EXEMPT:
                return exemption or self.exempt
            case VatCategory.ZERO:
                return self.zero
            case VatCategory.STANDARD:
                return ""

    def proven(self, grade: Grade, source: Source) -> str:
        """Return what an evidence grade means, in plain words."""
        return self.grades[grade].format(self.sources[source])


ENGLISH = Words(
    invoice="Invoice",
    credit_note="Credit note",
    preview="Preview, not an invoice",
    credits="takes back invoice {} of {}",
    number="Number",
    on="Date",
    due="Due by",
    period="Period of supply",
    account="Account",
    vat_id="VAT ID",
    tax_number="Tax number",
    session="Charging session",
    reference="Your reference",
    net="Net",
    vat="VAT",
    gross="Amount",
    rate="VAT rate",
    rate_short="Rate",
    net_total="Total net",
    vat_total="VAT",
    gross_total="Total including VAT",
    rounding="Rounding",
    rounding_why="Each session's VAT was rounded when it was charged; the VAT above is that of the sums, rounded once.",
    paid="Paid already",
    payable="Amount due",
    given_back="Amount credited",
    page="Page",
    of="of",
    evidence="Evidence",
    tariff="Tariff",
    receipt="Receipt",
    ruled="billed by a person's decision",
    corrected="amount corrected by the decision of a dispute",
    pay_to="Please pay {} to {}, IBAN {}, quoting {}, by {}.",
    paid_already="Nothing is to be paid: the amount was taken from your balance or your card.",
    credited="The amount is credited to your account.",
    proof=(
        "Every session above is proven by a file attached to this PDF: the signed meter readings with the transparency "
        "log's proof. Anybody can check them, offline: wattseal invoice check FILE.pdf"
    ),
    reverse="Reverse charge: the recipient owes the VAT.",
    zero="Zero rated.",
    exempt="Exempt from VAT.",
    grades={
        Grade.G0: "G0: told by the {}, nothing signed",
        Grade.G1: "G1: recorded by the {}, witnessed within a day",
        Grade.G2: "G2: start and end signed by the {}",
        Grade.G3: "G3: signed by the {}, complete, two witnesses",
        Grade.G4: "G4: signed by the {}, two witnesses, sealed from the operator",
    },
    sources={
        Source.METER: "meter",
        Source.STATION: "charging station",
        Source.EDGE: "device beside the station",
        Source.CSMS: "operator's system",
    },
    thousands=",",
    point=".",
    date_format="%d %b %Y",
)
GERMAN = Words(
    invoice="Rechnung",
    credit_note="Rechnungskorrektur",
    preview="Vorschau, keine Rechnung",
    credits="storniert Rechnung {} vom {}",
    number="Nummer",
    on="Datum",
    due="Fällig am",
    period="Leistungszeitraum",
    account="Kundenkonto",
    vat_id="USt-IdNr.",
    tax_number="Steuernummer",
    session="Ladevorgang",
    reference="Ihre Referenz",
    net="Netto",
    vat="USt.",
    gross="Betrag",
    rate="Steuersatz",
    rate_short="Satz",
    net_total="Summe netto",
    vat_total="Umsatzsteuer",
    gross_total="Summe brutto",
    rounding="Rundung",
    rounding_why="Die Steuer jedes Ladevorgangs wurde beim Abrechnen gerundet; die Steuer oben ist die der Summen.",
    paid="Bereits bezahlt",
    payable="Zu zahlen",
    given_back="Gutgeschrieben",
    page="Seite",
    of="von",
    evidence="Nachweis",
    tariff="Tarif",
    receipt="Beleg",
    ruled="durch Entscheidung einer Person abgerechnet",
    corrected="Betrag durch Entscheidung eines Streitfalls berichtigt",
    pay_to="Bitte überweisen Sie {} an {}, IBAN {}, Verwendungszweck {}, bis zum {}.",
    paid_already="Es ist nichts zu zahlen: Der Betrag wurde Ihrem Guthaben oder Ihrer Karte belastet.",
    credited="Der Betrag wird Ihrem Konto gutgeschrieben.",
    proof=(
        "Jeder Ladevorgang oben ist durch eine Datei bewiesen, die diesem PDF beiliegt: die signierten Zählerstände "
        "mit dem Beweis aus dem Transparenz-Log. Jeder kann sie prüfen, ohne Netz: wattseal invoice check DATEI.pdf"
    ),
    reverse="Steuerschuldnerschaft des Leistungsempfängers.",
    zero="Steuersatz 0 %.",
    exempt="Steuerfrei.",
    grades={
        Grade.G0: "G0: von {} gemeldet, nichts signiert",
        Grade.G1: "G1: von {} aufgezeichnet, binnen eines Tages bezeugt",
        Grade.G2: "G2: Beginn und Ende von {} signiert",
        Grade.G3: "G3: von {} signiert, lückenlos, zwei Zeugen",
        Grade.G4: "G4: von {} signiert, zwei Zeugen, vor dem Betreiber versiegelt",
    },
    sources={
        Source.METER: "dem Zähler",
        Source.STATION: "der Ladestation",
        Source.EDGE: "dem Gerät an der Ladestation",
        Source.CSMS: "dem System des Betreibers",
    },
    thousands=".",
    point=",",
    date_format="%d.%m.%Y",
)
WORDS = {Language.ENGLISH: ENGLISH, Language.GERMAN: GERMAN}
