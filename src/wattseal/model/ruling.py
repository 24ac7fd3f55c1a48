"""Rulings: what a person decided where the rules decide nothing by themselves."""

from enum import StrEnum


class RulingVerdict(StrEnum):
    """Bill a quarantined session as it was measured, charge nothing for it, or let an alarm block nothing any more."""

    BILL = "bill"
    WAIVE = "waive"
    ACKNOWLEDGE = "acknowledge"
