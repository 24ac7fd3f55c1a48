"""Settling: a bundle is checked with no access to the CPO, re-priced, and answered with a signed settlement."""

import base64
from dataclasses import dataclass, replace
from typing import assert_never

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import price_charge
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.bundle.report import Outcome, Report, StepResult, place_text
from wattseal.crypto.hashes import sha256
from wattseal.flow.ports import Put
from wattseal.log.proof import TlogProof
from wattseal.model.provider import ZERO, Bill, Charge, ChargeStatus, Customer, Dispute, Hold, HoldState
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp.books import Entries, KeptBundle, SeenCheckpoint, b64
from wattseal.parties.emsp.cdrs import compare_with_cdr
from wattseal.parties.emsp.desk import Desk, contradicting
from wattseal.parties.emsp.holding import stop_cause
from wattseal.parties.emsp.offline import is_late, offline_charge
from wattseal.parties.emsp.sold import keep_sold, sold_before
from wattseal.parties.emsp.tariffs import tariff_of
from wattseal.rules.holds import capture, without_charge
from wattseal.rules.settlement import Claim, Contract, claim_of, judge_evidence, make_bill
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys

PAID = frozenset({ChargeStatus.SETTLED, ChargeStatus.CREDITED})
"""What came to a bill once, taken back later or not: no bundle makes it another."""
CHAIN_STEP = 4
WITNESS_STEP = 9


@dataclass(frozen=True, slots=True)
class Received:
    """A bundle on the desk: its bytes, what they say, what the verifier found."""

    data: bytes
    sha256: bytes
    bundle: Bundle
    claim: Claim
    report: Report


async def settle(desk: Desk, contract: Contract, data: bytes) -> bytes:
    """Return the encoded SETTLEMENT on a bundle; garbage and other parties' bundles are an `InputError`.

    The same bundle gets the same answer. A disputed charge is judged anew when a better bundle comes: whoever sends a
    spoilt one ahead spoils nothing. An accepted charge stays accepted, and a bundle that tells another story about it
    is disputed and kept as evidence.
    """
    bundle = parse_bundle(data)
    claim = claim_of(bundle)
    if claim.origin.partition("/")[0] != contract.party:
        raise InputError("a bundle of another party's station", code="origin_of_another_party", subject=claim.origin)
    digest = sha256(data)
    kept = await desk.books.get("bundle", _key(claim, digest), KeptBundle)
    charge = await desk.books.charge(claim.subject)
    if charge is not None and charge.cpo != contract.party:
        raise InputError("a charge of another party's", code="charge_of_another_party", subject=charge.subject)
    settled = charge is not None and charge.status in PAID
    if kept is not None and (kept.accepted or settled):
        return base64.b64decode(kept.answer)
    received = Received(data, digest, bundle, claim, check_bundle(data, desk.trust, [desk.keys.seal]))
    if charge is not None and settled:
        return await _again(desk, contract, charge, received)
    if charge is None or (charge.status is ChargeStatus.DISPUTED and not charge.decision):
        charge = await offline_charge(desk, contract, bundle, claim) or charge
    elif is_late(charge, claim):
        charge = await offline_charge(desk, contract, bundle, claim, charge) or charge
    entries = Entries()
    outcome = await _judge(desk, contract, entries, charge, received)
    if kept is not None and charge is not None and charge.dispute == outcome:
        return base64.b64decode(kept.answer)
    charge = charge or _stray(desk, contract, claim)
    return await _answer(desk, contract, entries, charge, received=received, outcome=outcome)


async def _judge(
    desk: Desk, contract: Contract, entries: Entries, charge: Charge | None, received: Received
) -> Bill | Dispute:
    dispute = await _second_history(desk, contract, entries, received)
    station = received.claim.origin.partition("/")[2].partition("~")[0]
    if dispute is None:
        required = contract.required(station, desk.registry)
        cause = None if charge is None else await stop_cause(desk, charge, received.bundle.items)
        dispute = judge_evidence(received.report, received.claim, charge, required, cause)
    if dispute is None:
        dispute = await sold_before(desk, received.bundle, received.claim, received.report)
    if dispute is not None or charge is None:
        return dispute or Dispute(10, "not_authorised_here", "subject")
    tariff = await tariff_of(desk, charge)
    if tariff is None:
        return Dispute(11, "no_agreed_tariff", "tariff")
    return make_bill(received.report, price_charge(tariff, received.report.points))


async def _second_history(desk: Desk, contract: Contract, entries: Entries, received: Received) -> Dispute | None:
    """Compare the bundle with what was seen before: records at the same places, roots of the same tree sizes."""
    steps = received.report.steps
    if steps[CHAIN_STEP].result is not StepResult.OK:
        return None
    forked = await contradicting(desk, contract, received.bundle.items)
    if forked:
        other = forked[0]
        return Dispute(
            CHAIN_STEP, "fork", "payload", place_text(other.payload.place), f"also signed: {other.hash.hex()}"
        )
    entries.items.extend(desk.books.keep(item) for item in received.bundle.items)
    if steps[WITNESS_STEP].result is not StepResult.OK:
        return None
    for proof in received.bundle.proofs:
        checkpoint = TlogProof.parse(proof).checkpoint.checkpoint
        key = f"{checkpoint.origin} {checkpoint.size}"
        seen = await desk.books.get("checkpoint", key, SeenCheckpoint)
        if seen is None:
            shown = SeenCheckpoint(checkpoint.root.hex(), received.sha256.hex())
            entries.puts.append(desk.books.put("checkpoint", key, shown))
        elif seen.root != checkpoint.root.hex():
            detail = f"{key}: {seen.root} in bundle {seen.bundle}, {checkpoint.root.hex()} in this one"
            return Dispute(WITNESS_STEP, "log_shows_two_roots", "root", detail=detail)
    return None


async def _again(desk: Desk, contract: Contract, charge: Charge, received: Received) -> bytes:
    """Answer a bundle for a charge that is settled: the same facts again get the settlement again."""
    report = received.report
    same = received.claim.facts.hex() == charge.facts
    if same and report.verdict is not Outcome.INVALID:
        kept = await desk.books.get("bundle", f"{charge.subject}/{charge.bundle}", KeptBundle)
        if kept is not None:
            return base64.b64decode(kept.answer)
    failure = report.failure
    if report.verdict is Outcome.VALID or failure is None:
        dispute = Dispute(CHAIN_STEP, "conflicts_with_settled_charge", "payload", detail=f"settled: {charge.bundle}")
    else:
        dispute = Dispute(failure.number, failure.reason, failure.field, failure.record, f"settled: {charge.bundle}")
    entries = Entries()
    answer = await _write_settlement(desk, contract, entries, received, dispute)
    alarmed = replace(charge, alarms=charge.with_alarm("conflicting_bundle"))
    entries.puts.append(desk.books.put_charge(alarmed))
    entries.puts.append(_keep_bundle(desk, received, answer, accepted=False))
    await desk.books.commit(entries)
    return answer.encode()


async def _answer(
    desk: Desk,
    contract: Contract,
    entries: Entries,
    charge: Charge,
    *,
    received: Received,
    outcome: Bill | Dispute,
) -> bytes:
    answer = await _write_settlement(desk, contract, entries, received, outcome)
    charge = replace(
        charge,
        ended=received.claim.ended_hash.hex(),
        bundle=received.sha256.hex(),
        facts=received.claim.facts.hex(),
        settlement=answer.hash.hex(),
    )
    match outcome:
        case Bill():
            keep_sold(desk, entries, received.bundle, received.claim, received.report)
            charge = await _capture(desk, entries, replace(charge, bill=outcome, dispute=None), outcome)
            charge = await compare_with_cdr(desk, charge)
        case Dispute():
            charge = replace(charge, status=ChargeStatus.DISPUTED, dispute=outcome)
        case _:
            assert_never(outcome)
    entries.puts.append(desk.books.put_charge(charge))
    entries.puts.append(_keep_bundle(desk, received, answer, accepted=isinstance(outcome, Bill)))
    await desk.books.commit(entries)
    return answer.encode()


async def _capture(desk: Desk, entries: Entries, charge: Charge, bill: Bill) -> Charge:
    charge = replace(charge, status=ChargeStatus.SETTLED)
    customer = await desk.books.get("customer", charge.customer, Customer) if charge.customer else None
    if customer is None:
        return charge
    hold = charge.hold or Hold(ZERO, customer.account.currency, HoldState.RELEASED)
    if hold.currency != bill.currency:
        return replace(charge, alarms=charge.with_alarm("currency_differs"))
    account, hold = capture(customer.account, hold, bill.total_incl_vat)
    customer = without_charge(customer, account, charge.subject)
    entries.puts.append(desk.books.put("customer", customer.id_token.key(), customer))
    return replace(charge, hold=hold)


async def _write_settlement(
    desk: Desk, contract: Contract, entries: Entries, received: Received, outcome: Bill | Dispute
) -> Item:
    """Write the settlement on this side's chain, sealed to the CPO and to this side; plain where it has no such key."""
    books = desk.books
    cpo_key = desk.registry.reader_key(contract.party)
    readers = (Reader(contract.party, cpo_key), Reader(desk.party, desk.keys.seal.public)) if cpo_key else ()
    group = GroupDraft(_settlement(received.report, outcome).to_fields(), readers)
    refs = (received.claim.ended_hash,)
    draft = Draft(Kind.SETTLEMENT, books.now_ms(), ClockQuality.SYNCHRONISED, {Group.OPS: group}, refs)
    stream = await books.stream_of(entries, contract.party)
    keys = SubjectKeys(received.claim.subject, books.random.bytes(32))
    return await books.write(entries, desk.settlement_writer(contract), stream, draft, keys)


def _settlement(report: Report, outcome: Bill | Dispute) -> Settlement:
    match outcome:
        case Bill():
            return Settlement(
                verdict=SettlementVerdict.ACCEPTED,
                energy_wh=outcome.energy_wh,
                currency=outcome.currency,
                total_excl_vat=outcome.total_excl_vat,
                total_incl_vat=outcome.total_incl_vat,
                grade=int(outcome.grade),
                source=outcome.source.value,
                taxes=outcome.taxes,
            )
        case Dispute():
            return Settlement(
                verdict=SettlementVerdict.DISPUTED,
                energy_wh=report.energy_wh,
                currency=None,
                total_excl_vat=None,
                total_incl_vat=None,
                grade=None if report.grade is None else int(report.grade),
                source=None if report.source is None else report.source.value,
                step=outcome.step,
                reason=outcome.reason,
            )


def _stray(desk: Desk, contract: Contract, claim: Claim) -> Charge:
    """Make the charge of a bundle nobody here has authorised: kept, shown, never paid."""
    now_ms = desk.books.now_ms()
    anchor = claim.ended or claim.started
    return Charge(
        subject=claim.subject.hex(),
        cpo=contract.party,
        origin=claim.origin,
        evse_id=anchor.payload.stream if anchor else 0,
        request="",
        decision="",
        tariff=None,
        status=ChargeStatus.DISPUTED,
        token_status=TokenStatus.INVALID,
        reason="not_authorised_here",
        customer=None,
        requested_ms=now_ms,
        expires_ms=now_ms,
        auth_id="",
    )


def _key(claim: Claim, digest: bytes) -> str:
    return f"{claim.subject.hex()}/{digest.hex()}"


def _keep_bundle(desk: Desk, received: Received, answer: Item, *, accepted: bool) -> Put:
    kept = KeptBundle(
        subject=received.claim.subject.hex(),
        sha256=received.sha256.hex(),
        bundle=b64(received.data),
        answer=b64(answer.encode()),
        received_ms=desk.books.now_ms(),
        accepted=accepted,
    )
    return desk.books.put("bundle", _key(received.claim, received.sha256), kept)
