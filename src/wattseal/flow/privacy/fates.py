"""What becomes of everything that is held about a person when the person is erased; a test demands every kind."""

from collections.abc import Mapping
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of a kind of document: it goes, what is personal in it goes, or it stays."""

    GOES = "goes"
    EMPTIED = "emptied"
    STAYS = "stays"


FATES: Mapping[str, tuple[Fate, str]] = {
    "account": (Fate.STAYS, "a random number; closed. Postings and bills name it, nothing else does any more"),
    "payer": (Fate.GOES, "name and address"),
    "token": (Fate.GOES, "the cards; stations' local lists follow"),
    "charging": (Fate.GOES, "which session a card was charged for last"),
    "transaction": (Fate.EMPTIED, "when and where somebody charged stays for the books; details that name a card go"),
    "broken_session": (Fate.STAYS, "what does not prove of a session; its details name records and fields"),
    "bill": (Fate.STAYS, "an accounting record under a random number"),
    "receipt_of": (Fate.STAYS, "a random address, without a name"),
    "hold": (Fate.STAYS, "part of the ledger, under a random number"),
    "invoice": (Fate.STAYS, "numbers and amounts; who it was made out to is in its files alone"),
    "file_part": (Fate.STAYS, "files of invoices, as long as the law has them kept ([retention] invoices_years)"),
    "dispute": (Fate.STAYS, "claims and how they were decided, under a session's random number"),
    "reservation": (Fate.GOES, "what was kept free for the cards"),
    "provider_payment": (Fate.EMPTIED, "amounts stay for the books; handle, page and the token that started it go"),
    "payment_finding": (Fate.STAYS, "what was odd about a payment, by its random number"),
    "payment": (Fate.STAYS, "an amount that a terminal settled"),
    "ev_needs": (Fate.GOES, "what the vehicle told it needs"),
    "priority_charging": (Fate.GOES, "charging with priority"),
    "battery_swap": (Fate.GOES, "batteries swapped with the cards"),
    "command": (Fate.EMPTIED, "that a station was asked something stays; what named the cards goes"),
    "alarm": (Fate.EMPTIED, "alarms about the sessions stay, without a detail that names a card"),
    "token_uses": (Fate.GOES, "the latest sessions of the cards"),
    "code_alias": (Fate.GOES, "by which codes of an app call the cards"),
    "alias_token": (Fate.GOES, "the cards that such names stand for"),
    "code_start": (Fate.GOES, "which charge the latest code of an app is to begin"),
    "export_link": (Fate.GOES, "links to fetch the archive by"),
}
"""By kind of document; the kinds that a driver's archive holds, and those that only point to a person."""
