"""Step 11: the price is what tariff and readings give, whoever states it."""

from collections.abc import Sequence
from dataclasses import fields

from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.bundle.cdr import CdrSummary, price_charge, trace_to_value
from wattseal.bundle.points import moment_ms, points_of, readings_of, withheld
from wattseal.bundle.report import Repriced
from wattseal.bundle.tariff import tariff_from_value
from wattseal.model.tariff import Tariff
from wattseal.pricing.periods import needs_readings
from wattseal.pricing.price import Incomplete, Priced
from wattseal.seal import dcbor
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.item import Group, Item, Kind


def check_price(case: Case) -> Trouble | None:
    """CDR, price trace and settlements are optional; none may differ from the price recomputed from the records."""
    started, ended = case.of_kind(Kind.STARTED), case.of_kind(Kind.ENDED)
    if case.bundle.cdr is None and case.bundle.price_trace is not None:
        return failed("trace_without_cdr", "price_trace")
    settled = [] if ended is None else _settlements(case, ended)
    for item, _ in settled:
        if not _by_the_deciding_party(case, item):
            return failed("settlement_of_another_party", "kid", item)
    cdr = None if case.bundle.cdr is None else CdrSummary.read(case.bundle.cdr)
    if started is None or ended is None or (cdr is None and not settled):
        return None
    tariff = _tariff(case, cdr)
    if isinstance(tariff, Trouble):
        return tariff
    return _priced(case, tariff, ended, cdr, [settlement for _, settlement in settled])


def _priced(
    case: Case, tariff: Item, ended: Item, cdr: CdrSummary | None, settled: Sequence[Settlement]
) -> Trouble | None:
    """Price the charge, and hold against that whatever states a price."""
    if case.energy_wh is None:
        return lacking("opening", "meter")
    terms = tariff_from_value(tariff.payload.public.get(1))
    trouble = _not_shown(case, terms)
    if trouble is not None:
        return trouble
    priced = price_charge(terms, points_of(case))
    if isinstance(priced, Incomplete):
        return lacking("price", priced.what[0], tariff)
    case.price = Repriced(terms.id, priced)
    untrue = next((t for s in settled if (t := _settlement_agrees(case, s, priced, ended)) is not None), None)
    return untrue if untrue is not None or cdr is None else _cdr_agrees(case, cdr, priced, tariff)


def _not_shown(case: Case, terms: Tariff) -> Trouble | None:
    """Say which reading is not shown, where the price depends on what happened between start and end."""
    if not needs_readings(terms):
        return None
    for item in readings_of(case):
        group = withheld(case, item)
        if group is not None:
            return lacking("opening", group.name.lower(), item)
    return None


def _settlements(case: Case, ended: Item) -> list[tuple[Item, Settlement]]:
    """Return what was settled on this charge, as far as it is shown: none of it may be untrue."""
    shown = ((item, case.contents.get((item.hash, Group.OPS))) for item in case.bundle.others)
    return [
        (item, Settlement.read(content.fields))
        for item, content in shown
        if item.payload.kind == Kind.SETTLEMENT and content is not None and ended.hash in item.payload.refs
    ]


def _decisions(case: Case) -> list[Item]:
    """Return the decision that the start refers to; where it refers to none, whatever decisions there are."""
    started = case.of_kind(Kind.STARTED)
    refs = started.payload.refs if started else ()
    return [i for i in case.bundle.others if i.payload.kind == Kind.DECISION and (not refs or i.hash in refs)]


def _by_the_deciding_party(case: Case, settlement: Item) -> bool:
    """Return whether who settles is who decided; without known signers there is nothing to compare."""
    deciders = {case.signers[i.hash].party for i in _decisions(case) if i.hash in case.signers}
    signer = case.signers.get(settlement.hash)
    return signer is None or not deciders or signer.party in deciders


def _tariff(case: Case, cdr: CdrSummary | None) -> Item | Trouble:
    """Return the tariff record that the decision, and the CDR if there is one, refers to.

    A record that the decision refers to and that is not shown may be the tariff: no other stands in for it.
    """
    tariffs = {i.hash: i for i in case.bundle.others if i.payload.kind == Kind.TARIFF}
    refs = [(decision, ref) for decision in _decisions(case) for ref in decision.payload.refs]
    decided = {ref for _, ref in refs if ref in tariffs}
    wanted = cdr.tariff if cdr is not None else min(decided, default=None)
    if wanted is None or wanted not in tariffs:
        return lacking("tariff", "tariff record")
    if decided and wanted not in decided:
        return failed("tariff_differs_from_decision", "cdr tariff", tariffs[wanted])
    hidden = next((decision for decision, ref in refs if ref not in case.items), None)
    if not decided and hidden is not None:
        return lacking("tariff", "tariff record", hidden)
    return tariffs[wanted]


def _settlement_agrees(case: Case, settlement: Settlement, priced: Priced, ended: Item) -> Trouble | None:
    if settlement.verdict is not SettlementVerdict.ACCEPTED:
        return None
    said = (settlement.energy_wh, settlement.currency, settlement.total_excl_vat, settlement.total_incl_vat)
    if said != (case.energy_wh, priced.currency, priced.total.before_tax, priced.total.after_tax):
        return failed("settlement_differs", "settlement", ended)
    if settlement.taxes and settlement.taxes != priced.taxes:
        return failed("settlement_differs", "settlement taxes", ended)
    return None


def _cdr_agrees(case: Case, cdr: CdrSummary, priced: Priced, tariff: Item) -> Trouble | None:
    started, ended = case.of_kind(Kind.STARTED), case.of_kind(Kind.ENDED)
    expected = {
        "id": started.payload.subject.hex() if started and started.payload.subject else "",
        "start_ms": moment_ms(case, started) if started else None,
        "end_ms": moment_ms(case, ended) if ended else None,
        "energy_wh": case.energy_wh,
        "currency": priced.currency,
        "total_excl_vat": priced.total.before_tax,
        "total_incl_vat": priced.total.after_tax,
        "tariff": tariff.hash,
    }
    for name in (f.name for f in fields(cdr)):
        if getattr(cdr, name) != expected[name]:
            return failed("cdr_differs", f"cdr {name}", ended)
    trace = case.bundle.price_trace
    if trace is not None and dcbor.encode(trace) != dcbor.encode(trace_to_value(priced.trace)):
        return failed("price_trace_differs", "price_trace", ended)
    return None
