"""What is true somewhere else or was true some other time proves nothing here and now."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.charges import EMSP, LOG, ORIGIN, START_MS, Pen, charge, meter, pen, seeded, signing_key
from tests.support.worlds import (
    CSMS_KEY,
    EDGE_KEY,
    EMSP_KEY,
    LOG_KEY,
    REGISTRY,
    ROOT,
    WITNESSES,
    Finished,
    MemoryLog,
    authorisation,
    enrolled,
    entries,
    entry,
    sealed_charge,
    trust,
)

from wattseal.bundle.build import build_bundle, openings_of, without_plain_boxes
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.trust import LogKey, Trust, WitnessKey
from wattseal.crypto.keys import Algorithm
from wattseal.lab.grounds.paper import AT_MS, STATION, Paper
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogSigningKey
from wattseal.model.verdict import Grade, Verdict
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.groups import Content, unwrap
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.receipt import contents, issue
from wattseal.seal.registry import Entry, Handover, Refusal, Registry, Role, hand_over
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EMSP_ENTRY = entry(Role.EMSP, "MSP", EMSP_KEY.public.spki, "MSP/*")


def judged(bundle: Bundle, trusted: Trust | None = None) -> Report:
    return check_bundle(bundle.encode(), trusted or trust())


def failure(report: Report) -> tuple[int, str] | None:
    return None if report.failure is None else (report.failure.number, report.failure.reason)


def revoked(made: Entry, at_ms: int) -> Entry:
    return replace(made, version=2, revoked_ms=at_ms)


@pytest.fixture(scope="module")
def sealed() -> Finished:
    return sealed_charge()


def test_what_a_stolen_meter_key_signs_under_an_earlier_date_falls_with_the_key() -> None:
    """The record's time is the operator's word, and the meter's own is the thief's: what counts is who saw it when."""
    paper = Paper()
    stolen = paper.entry(Role.METER, "METER", paper.keys.meter.public.spki, STATION, custodian="SITE", meter_id="MTR1")
    session = paper.session(1000, 50_000, authorised=None)
    paper.log(session.items)

    def told(witnessed_ms: int, revoked_ms: int) -> Report:
        signed = paper.checkpoint()
        signed = signed.with_signatures(cosign(signed.note.text, w, witnessed_ms // 1000) for w in paper.keys.witnesses)
        known = replace(paper.trust, entries=(paper.enrolled(revoked(stolen, revoked_ms)),))
        return paper.judged(paper.bundle(session, [], signed=signed, entries=paper.entries[:4]), known)

    assert failure(told(AT_MS + 11 * DAY_MS, AT_MS + 10 * DAY_MS)) == (9, "key_revoked_before_witnessed")
    in_time = told(AT_MS + DAY_MS, AT_MS + 10 * DAY_MS)
    assert (in_time.verdict, in_time.grade) == (Outcome.VALID, Grade.G3), "control: seen before the theft was known"


def settlement(sealed: Finished, wh: Decimal | None = None, desk: Pen | None = None) -> Item:
    """Write the eMSP's settlement of a charge, true but for `wh`."""
    asked = CdrSummary.read(sealed.bundle.cdr)
    said = Settlement(
        verdict=SettlementVerdict.ACCEPTED,
        energy_wh=asked.energy_wh if wh is None else wh,
        currency=asked.currency,
        total_excl_vat=asked.total_excl_vat,
        total_incl_vat=asked.total_incl_vat,
        grade=4,
        source="edge",
    )
    desk = desk or pen("MSP/settlement", key=EMSP_KEY, stream=0, seed=f"settlement {wh}")
    if not desk.items:
        desk.write(Kind.BOOT, START_MS)
    group = {Group.OPS: GroupDraft(said.to_fields())}
    return desk.write(Kind.SETTLEMENT, START_MS + HOUR_MS, groups=group, refs=(sealed.items[-1].hash,))


def settled(sealed: Finished, *answers: Item) -> Bundle:
    bundle = sealed.bundle
    return replace(
        bundle,
        others=(*bundle.others, *map(without_plain_boxes, answers)),
        openings=(*bundle.openings, *openings_of(answers, (Group.OPS,))),
    )


def test_a_settlement_by_a_key_revoked_since_proves_nothing_for_nobody_saw_it_before(sealed: Finished) -> None:
    bundle = settled(sealed, settlement(sealed))
    assert judged(bundle).verdict is Outcome.VALID
    stolen = trust(entries=(enrolled(revoked(EMSP_ENTRY, START_MS + DAY_MS)),))
    report = judged(bundle, stolen)
    assert (report.verdict, failure(report)) == (Outcome.INCOMPLETE, (9, "checkpoint"))
    closed = judged(replace(bundle, openings=sealed.bundle.openings), stolen)
    assert closed.verdict is Outcome.VALID, "a settlement that nobody can read here bears on nothing"
    assert [one.verdict for one in closed.records if one.kind == "settlement"] == [Verdict.UNKNOWN_KEY]
    without = judged(sealed.bundle, stolen)
    assert without.verdict is Outcome.VALID, "control: its decision is in time, for the chain refers to it"


def test_of_two_settlements_neither_may_be_untrue(sealed: Finished) -> None:
    desk = pen("MSP/settlement", key=EMSP_KEY, stream=0, seed="desk of settlements")
    good = settlement(sealed, desk=desk)
    for wh in (1, 9, 99, 1999):
        false = settlement(sealed, Decimal(wh), desk)
        assert failure(judged(settled(sealed, good, false))) == (11, "settlement_differs")
    assert judged(settled(sealed, good)).verdict is Outcome.VALID


def ahead(ms: int, clock: ClockQuality = ClockQuality.SYNCHRONISED) -> Report:
    """Judge a charge whose records say that they were made `ms` after they were witnessed."""
    paper = Paper()
    session = paper.session(1000, 50_000, authorised=None)
    if clock is not ClockQuality.SYNCHRONISED:
        writer = paper.pen(STATION, 2, paper.keys.csms)
        items: list[Item] = []
        for item in session.items:
            groups = {g: GroupDraft(content) for g, content in _plain(item).items()}
            draft = Draft(Kind(item.payload.kind), item.payload.ms, clock, groups)
            if not items:
                boot = Draft(Kind.BOOT, item.payload.ms - 1, ClockQuality.SYNCHRONISED)
                _, writer.head = writer.writer.append(writer.head, 2, boot, None)
            made, writer.head = writer.writer.append(writer.head, 2, draft, session.subject)
            items.append(made)
        session = replace(session, items=tuple(items))
    paper.log(session.items)
    signed = paper.checkpoint()
    at_s = (session.items[-1].payload.ms - ms) // 1000
    signed = signed.with_signatures(cosign(signed.note.text, w, at_s) for w in paper.keys.witnesses)
    return paper.judged(paper.bundle(session, [], signed=signed))


def _plain(item: Item) -> dict[Group, dict[int, object]]:
    return {Group(o.gid): dict(Content.decode(o.content).fields) for o in openings_of([item], item.boxes)}


def test_a_record_that_was_witnessed_before_it_was_made_has_a_false_time() -> None:
    """Else a charge at noon could be told, and priced, as one of the evening to come."""
    assert failure(ahead(6 * HOUR_MS)) == (9, "witnessed_before_it_was_made")
    assert ahead(240_000).verdict is Outcome.VALID, "control: clocks are a few minutes apart"


def test_a_signer_that_does_not_vouch_for_its_clock_is_found_to_be_ahead_and_in_time_for_nothing() -> None:
    report = ahead(6 * HOUR_MS, ClockQuality.INFORMATIVE)
    assert (report.verdict, report.grade) == (Outcome.VALID, Grade.G2)
    assert "witnessed_before_it_was_made" in [finding.code for finding in report.findings]
    assert ahead(0, ClockQuality.INFORMATIVE).grade is Grade.G3, "control"


@pytest.mark.parametrize("ms", [253_402_300_800_000, 2**53 - 1])
def test_a_time_beyond_all_dates_is_judged_and_stops_nobody(ms: int) -> None:
    """Whoever may sign at all could end an eMSP's check with it."""
    request, decision = authorisation()
    p, subject = pen(key=EDGE_KEY), SubjectKeys.new(seeded("tx"))
    p.write(Kind.BOOT, START_MS - 1000)
    start = p.write(Kind.STARTED, START_MS, subject, groups={Group.METER: meter("1000")}, refs=(decision.hash,))
    items = [start, p.write(Kind.ENDED, ms, subject, groups={Group.METER: meter("2000")})]
    assert judged(bundled(items, request, decision)).verdict is Outcome.VALID, (
        "as far as bytes go: its witnesses are as late"
    )
    spoilt = replace(sealed_charge().bundle, items=tuple(items), openings=(), receipts=())
    assert judged(spoilt).verdict is not Outcome.VALID


def test_a_receipt_of_another_operators_system_is_none(sealed: Finished) -> None:
    rival = signing_key("rival", Algorithm.ED25519)
    forged = issue(contents(sealed.bundle.receipts[0]), rival, LOG)
    more = enrolled(entry(Role.CSMS, "RIVAL", rival.public.spki, "RIVAL/*"))
    bundle = replace(sealed.bundle, receipts=(forged,), entries=(*sealed.bundle.entries, more))
    assert failure(judged(bundle)) == (8, "receipt_of_an_unknown_key")
    own = replace(bundle, receipts=(issue(contents(forged), CSMS_KEY, LOG),))
    assert judged(own).verdict is Outcome.VALID, "control"


def test_where_a_key_stopped_only_the_record_that_it_named_is_its_own(sealed: Finished) -> None:
    """Whoever finds the old key later writes another last record at the same place."""
    last, request = sealed.items[-1], sealed.others[0]

    def told(head: bytes) -> Report:
        heads = ((*last.payload.place[1:], head), (*request.payload.place[1:], request.hash))
        new = signing_key("edge, second key")
        handover = hand_over(Handover(ORIGIN, new.public.spki, heads), EDGE_KEY)
        made: Entry = entry(Role.EDGE, "SITE", new.public.spki, ORIGIN, custodian="SITE", handover=handover)
        successor = enrolled(replace(made, version=2))
        return judged(replace(sealed.bundle, entries=(*sealed.bundle.entries, successor)))

    assert failure(told(bytes(32))) == (2, "signed_after_handover")
    assert told(last.hash).verdict is Outcome.VALID, "control"


def bundled(items: list[Item], *others: Item) -> Bundle:
    """Log and bundle what an edge has written, opened as its eMSP can."""
    log = MemoryLog()
    log.add(items)
    signed = log.checkpoint()
    secrets: dict[int, bytes] = {
        g: secret for g in (Group.METER, Group.OPS) if (secret := unwrap(items[0], g, EMSP)) is not None
    }
    return build_bundle(
        items,
        proofs=[log.proof(item, signed) for item in items if item.signature is not None],
        entries=entries(),
        others=others,
        openings=openings_of(items, (Group.METER, Group.OPS), secrets),
    )


def on(station: str, start_ms: int = START_MS, readings: int = 3) -> Report:
    """Judge an edge's charge on the decision for one at `station`."""
    request, decision = authorisation(station=station)
    items = charge(pen(key=EDGE_KEY), refs=(decision.hash,), at_ms=start_ms, readings=readings)
    return judged(bundled(items, request, decision))


def test_leave_to_charge_at_one_station_is_none_at_another() -> None:
    """A pseudonym is public: the operator may write it into a record of any station."""
    assert failure(on("CPO/CS002")) == (10, "authorisation_at_another_station")
    assert on(ORIGIN).verdict is Outcome.VALID, "control"
    assert failure(on(f"{ORIGIN}~csms")) is None, (
        "control: the operator's own origin beside that of the station's signer"
    )


def test_a_start_after_the_decision_ran_out_is_found() -> None:
    late = [finding.code for finding in on(ORIGIN, START_MS + 2 * HOUR_MS).findings]
    assert "started_after_expiry" in late
    assert not {"started_after_expiry", "above_the_cap"} & {finding.code for finding in on(ORIGIN).findings}


def test_more_energy_than_the_decision_allows_is_found() -> None:
    assert "above_the_cap" in [finding.code for finding in on(ORIGIN, readings=105).findings]


def test_neither_the_logs_witness_nor_the_operators_own_counts_towards_the_quorum(sealed: Finished) -> None:
    own = LogSigningKey("witness/CPO", SignatureType.COSIGNATURE_ED25519, seeded("witness CPO")(32))
    friend = (LogKey(LOG_KEY.verifier, "FRIEND"),)
    log = MemoryLog()
    log.add(sealed.items)
    signed = log.checkpoint()
    at_s = log.until_ms // 1000 + 100
    with_own = log.checkpoint(parties=("MSP",)).with_signatures([cosign(signed.note.text, own, at_s)])

    def told(party: str) -> Report:
        witnesses = (WitnessKey(own.verifier, party), WitnessKey(WITNESSES["MSP"].verifier, "MSP"))
        proofs = tuple(log.proof(item, with_own) for item in sealed.items if item.signature is not None)
        bundle = replace(sealed.bundle, proofs=proofs, receipts=())
        return judged(bundle, trust(logs=friend, witnesses=witnesses))

    assert failure(told("CPO")) == (9, "checkpoint")
    assert told("DSO").verdict is Outcome.VALID, "control"


@pytest.mark.parametrize("gid", [None, Group.RAW, Group.LOAD, Group.METER])
def test_a_box_in_the_open_that_tells_energy_keeps_a_charge_from_g4(gid: Group | None) -> None:
    """A frame in group RAW names the register that group METER seals."""
    request, decision = authorisation()
    p, subject = pen(key=EDGE_KEY), SubjectKeys.new(seeded("tx"))
    p.write(Kind.BOOT, START_MS - 1000)
    items = []
    for kind, ms, wh in ((Kind.STARTED, 0, "1000"), (Kind.READING, 9000, "1500"), (Kind.ENDED, 18_000, "2000")):
        refs = (decision.hash,) if kind is Kind.STARTED else ()
        groups = {Group.METER: meter(wh), Group.RAW: replace(meter(wh), fields={1: b"frame"}), Group.LOAD: meter(wh)}
        if gid is not None and kind is Kind.READING:
            groups[gid] = replace(groups[gid], sealed_for=())
        items.append(p.write(kind, START_MS + ms, subject, groups=groups, refs=refs))
    assert judged(bundled(items, request, decision)).grade is (Grade.G4 if gid is None else Grade.G3)


class TestRegistry:
    """What the registry says stays said, and a consent is for the registry that it was given to."""

    KEY = entry(Role.CSMS, "CPO", CSMS_KEY.public.spki, "CPO/*")
    EDGE = entry(Role.EDGE, "SITE", EDGE_KEY.public.spki, ORIGIN, custodian="SITE")

    def test_a_revocation_is_not_moved_later(self) -> None:
        registry = Registry({REGISTRY: ROOT.public})
        first, later = revoked(self.KEY, START_MS), replace(revoked(self.KEY, START_MS + DAY_MS), version=3)
        refusals = registry.add_all([enrolled(first), enrolled(later)])
        assert refusals == [Refusal("revocation_cannot_be_taken_back")]
        earlier = replace(revoked(self.KEY, START_MS - DAY_MS), version=4)
        assert registry.add_all([enrolled(earlier)]) == [], "control: an earlier theft that is found out later"

    def test_a_consent_to_one_registry_is_none_to_another(self) -> None:
        other = signing_key("another root", Algorithm.ED25519)
        roots = {REGISTRY: ROOT.public, "other": other.public}
        moved = replace(self.EDGE, consents=(self.EDGE.consent(EMSP_KEY, REGISTRY),)).issue(other, "other")
        assert Registry(roots).add_all([enrolled(EMSP_ENTRY), moved]) == [
            Refusal("no_consent_of_a_party_other_than_the_cpo")
        ]
        assert Registry(roots).add_all([enrolled(EMSP_ENTRY), enrolled(self.EDGE)]) == [], "control"

    def test_a_key_that_was_revoked_consents_to_nothing_from_then_on(self) -> None:
        registry = Registry({REGISTRY: ROOT.public})
        stolen = revoked(EMSP_ENTRY, self.EDGE.from_ms)
        assert registry.add_all([enrolled(stolen), enrolled(self.EDGE)]) == [
            Refusal("no_consent_of_a_party_other_than_the_cpo")
        ]
        later = revoked(EMSP_ENTRY, self.EDGE.from_ms + 1)
        assert Registry({REGISTRY: ROOT.public}).add_all([enrolled(later), enrolled(self.EDGE)]) == [], "control"


@pytest.mark.parametrize("origin", ["CPO/CS\u00e9", "CPO/CS\U0001fa75", "CPO/CS\u2028", "CPO/\u0421S001", "CPO/CS\x7f"])
def test_an_origin_is_ascii_so_that_no_version_of_unicode_tells_verifiers_apart(sealed: Finished, origin: str) -> None:
    bundle = replace(sealed.bundle, entries=(*entries(), enrolled(entry(Role.DSO, "DSO", ROOT.public.spki, origin))))
    assert failure(judged(bundle)) == (2, "bad_cbor")
    good = replace(sealed.bundle, entries=(*entries(), enrolled(entry(Role.DSO, "DSO", ROOT.public.spki, "CPO/CS ~"))))
    assert judged(good).verdict is Outcome.VALID, "control"
