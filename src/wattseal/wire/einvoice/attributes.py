"""What an e-invoice says of each session beyond EN 16931: the names under which its lines carry their evidence."""

from enum import StrEnum


class Attribute(StrEnum):
    """Names of the item attributes that carry what a line is proven by; the same in every language."""

    SESSION = "Session"
    ENERGY_WH = "Energy Wh"
    START = "Start"
    END = "End"
    STATION = "Station"
    EVSE = "EVSE"
    TARIFF = "Tariff"
    GRADE = "Evidence grade"
    SOURCE = "Evidence source"
    CHARGED = "Charged including VAT"
    RECEIPT = "Receipt"
    RULED = "Billed by decision"
    CORRECTED = "Corrected by decision"
