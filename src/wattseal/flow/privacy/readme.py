"""README.txt of an export: what each file is, in the words of whoever it is about."""

from datetime import datetime

ENGLISH = """\
YOUR DATA AT {operator}
Made {at} (UTC) for account {account}.

This is everything that {operator} keeps about you as somebody who charges electric vehicles here
(General Data Protection Regulation, Articles 15 and 20). It is yours: read it, keep it, pass it on.

README.txt        this text
data.json         all of it, for programs: one list for each kind of thing
sessions.csv      your charging sessions: where, when, how much energy, what it cost
bills.csv         what each session was billed at, and what became of the bill
ledger.csv        every movement of money on your account, with the balance after it
payments.csv      what you paid through a payment provider
cards.csv         your charging cards and apps' tokens, as stations know them
reservations.csv  charging points that were kept free for you
invoices/         your invoices and credit notes as they were issued: PDF, and XML for accounting programs
evidence/         one file a session (.wsb) that proves it: signatures, the public log, the price. Open the
                  page {check} in a browser and drop it there, or run
                  `wattseal verify FILE`; nobody has to be believed

The CSV files open in any spreadsheet. Times in them are UTC; energy is in Wh (1000 Wh are 1 kWh); money is in units of
the currency named beside it. In data.json, fields that end in _ms count milliseconds since 1970-01-01 UTC, amounts of
`holds` and `payments` are in the smallest unit of the currency (cents), and bytes are base64.

What is not in here:
- data about other people. A card that was somebody else's before it was yours brings nothing of theirs along.
- sessions that a card was charged for before it belonged to your account.
- who of the operator's people did something. What was done, when and why is in here.
- secrets by which somebody could pay or charge in your name.
- copies that stations and the operator's technicians keep for a while to find faults, such as messages as they came.
{missing}
"""
GERMAN = """\
IHRE DATEN BEI {operator}
Erstellt {at} (UTC) für das Konto {account}.

Das ist alles, was {operator} über Sie als jemanden gespeichert hat, der hier Elektrofahrzeuge lädt
(Datenschutz-Grundverordnung, Artikel 15 und 20). Es gehört Ihnen: lesen Sie es, behalten Sie es, geben Sie es weiter.

README.txt        dieser Text
data.json         alles, für Programme: je eine Liste für jede Art von Daten
sessions.csv      Ihre Ladevorgänge: wo, wann, wie viel Energie, was es gekostet hat
bills.csv         womit jeder Ladevorgang berechnet wurde und was aus der Abrechnung geworden ist
ledger.csv        jede Bewegung von Geld auf Ihrem Konto, mit dem Stand danach
payments.csv      was Sie über einen Zahlungsdienst bezahlt haben
cards.csv         Ihre Ladekarten und Kennungen von Apps, wie Ladestationen sie kennen
reservations.csv  Ladepunkte, die für Sie freigehalten wurden
invoices/         Ihre Rechnungen und Gutschriften, wie sie ausgestellt wurden: PDF, und XML für die Buchhaltung
evidence/         eine Datei je Ladevorgang (.wsb), die ihn beweist: Signaturen, das öffentliche Protokoll, der Preis.
                  Öffnen Sie die Seite {check} im Browser und ziehen Sie sie dorthin, oder rufen
                  Sie `wattseal verify DATEI` auf; glauben muss man dabei niemandem

Die CSV-Dateien öffnet jede Tabellenkalkulation. Zeiten darin sind UTC, Energie steht in Wh (1000 Wh sind 1 kWh), Geld
in Einheiten der danebenstehenden Währung. In data.json zählen Felder, die auf _ms enden, Millisekunden seit 1970-01-01
UTC, Beträge in `holds` und `payments` stehen in der kleinsten Einheit der Währung (Cent), Bytes sind base64.

Was nicht enthalten ist:
- Daten über andere. Eine Karte, die vor Ihnen jemand anderem gehörte, bringt nichts von dort mit.
- Ladevorgänge, die mit einer Karte gemacht wurden, bevor sie zu Ihrem Konto gehörte.
- wer von den Leuten des Betreibers etwas getan hat. Was getan wurde, wann und warum, ist enthalten.
- Geheimnisse, mit denen jemand in Ihrem Namen zahlen oder laden könnte.
- Kopien, die Ladestationen und die Technik des Betreibers eine Weile für die Fehlersuche aufheben, etwa Nachrichten im
  Wortlaut.
{missing}
"""
LACKING_ENGLISH = """
Some files could not be put in here; `evidence` and `files` in data.json say which and why ({evidence} of evidence,
{files} of invoices). Evidence that waits for the public log is there a few minutes later: ask again.
"""
LACKING_GERMAN = """
Einige Dateien konnten nicht beigelegt werden; `evidence` und `files` in data.json sagen, welche und warum
({evidence} Nachweise, {files} Rechnungen). Ein Nachweis, der auf das öffentliche Protokoll wartet, liegt einige
Minuten später vor: fragen Sie noch einmal.
"""


def readme(operator: str, account: str, at: datetime, *, check: str, evidence: int, files: int) -> str:
    """Return the text, English and German; the numbers are of files that are missing."""
    values = {"operator": operator, "account": account, "at": f"{at:%Y-%m-%d %H:%M}", "check": check}
    parts = []
    for text, lacking in ((ENGLISH, LACKING_ENGLISH), (GERMAN, LACKING_GERMAN)):
        missing = lacking.format(evidence=evidence, files=files) if evidence or files else ""
        parts.append(text.format(**values, missing=missing))
    return ("\n" + "-" * 100 + "\n\n").join(parts).replace("\n", "\r\n")
