"""What the sessions of an EVSE leave for the next: when registers stood where, which pages of the meter were used."""

from decimal import Decimal

from msgspec import Struct

Pages = tuple[str, int, int]
"""(context, lowest, highest) of a meter's page counter."""


class Span(Struct, frozen=True, gc=False):
    """One ended session of an EVSE: `subject` and the `record` of its end in hex, the station's times, registers in Wh.

    `end_wh` is None where the end tells no register that the next session could be held against; `started_ms` and
    `start_wh` are None where they are not known. `pages` are those of the meter's signed records, by context.
    """

    subject: str
    record: str
    started_ms: int | None = None
    ended_ms: int | None = None
    start_wh: Decimal | None = None
    end_wh: Decimal | None = None
    pages: tuple[Pages, ...] = ()


class LastEnd(Struct, frozen=True, gc=False):
    """Document: how an EVSE's latest session ended, and what is remembered of those before it.

    `record` is that end's in hex, `register_wh` what it told, `meter` the name of the meter that told it. `began_ms` is
    when the session was first heard of and `at_ms` when its end was recorded, 0 where that was not kept yet. The
    `spans` are in the order of the sessions, the latest last.
    """

    evse_id: int
    record: str
    register_wh: Decimal | None
    meter: str | None = None
    began_ms: int = 0
    at_ms: int = 0
    spans: tuple[Span, ...] = ()

    def sessions(self, meter: str | None) -> tuple[Span, ...]:
        """Return the sessions that were told of the same `meter`: another one's registers are no neighbours."""
        if not self.spans:
            return (Span("", self.record, end_wh=self.register_wh),)
        return self.spans if self.meter == meter else ()
