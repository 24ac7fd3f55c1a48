"""Steps 8, 9 and part of 12: what the log and its witnesses say."""

from collections.abc import Mapping

from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.bundle.grade import COSIGN_WITHIN_S, Standing
from wattseal.bundle.report import place_text
from wattseal.crypto.keys import PublicKey
from wattseal.log import note
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import words
from wattseal.model.verdict import Finding, Source, Verdict
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.receipt import read as read_receipt
from wattseal.seal.registry import Entry, Role, Use

CLOCKS_APART_MS = 300_000
"""A signer's clock may be so far ahead of a witness's: a record made later than it was witnessed has a false time."""


def log_origin(case: Case) -> str | None:
    """Return the log that the bundle's first proof names."""
    if not case.proofs:
        return None
    return case.proofs[0].checkpoint.checkpoint.origin


def _logged(case: Case) -> list[Item]:
    return [item for item in case.bundle.items if item.signature is not None]


def check_inclusion(case: Case) -> Trouble | None:
    """Step 8: each signed item of the chain is in the log, under the root its proof states; receipts agree."""
    if not case.entitled or not case.proofs:
        return lacking("checkpoint", "proofs")
    logged = _logged(case)
    if len(logged) != len(case.proofs):
        if len(case.proofs) < len(logged):
            return lacking("checkpoint", "proofs", logged[len(case.proofs)])
        return failed("proof_without_record", "proofs")
    origin = log_origin(case)
    for item, proof in zip(logged, case.proofs, strict=True):
        if proof.extra is not None:
            return failed("proof_not_canonical", "proof", item)
        if proof.checkpoint.checkpoint.origin != origin:
            return failed("proofs_of_two_logs", "checkpoint origin", item)
        entry = item.leaf_entry()
        if entry is None or not proof.includes(entry):
            return failed("not_included", "inclusion proof", item)
    return _check_receipts(case, origin or "")


def _check_receipts(case: Case, origin: str) -> Trouble | None:
    by_hash = {item.hash: (item, proof) for item, proof in zip(_logged(case), case.proofs, strict=True)}
    station = case.bundle.items[0].payload.origin
    for statement in case.bundle.receipts:
        entry = case.registry.by_kid(statement.signature.kid)
        csms = entry is not None and entry.role is Role.CSMS and entry.use is Use.SIGN and entry.covers(station)
        if entry is None or not csms:
            return failed("receipt_of_an_unknown_key", "receipt")
        receipt = read_receipt(statement, PublicKey.from_spki(entry.spki), origin)
        if receipt is None:
            return failed("receipt_signature_invalid", "receipt")
        found = by_hash.get(receipt.head)
        if found is None:
            return failed("receipt_for_another_record", "receipt")
        item, proof = found
        place = (receipt.origin, receipt.stream, receipt.epoch, receipt.seq)
        if (place, receipt.leaf, receipt.index) != (item.payload.place, item.leaf_entry(), proof.index):
            return failed("receipt_disagrees_with_the_log", "receipt", item)
    return None


def check_witnesses(case: Case) -> Trouble | None:
    """Step 9: checkpoints are the trusted log's, and enough parties cosigned them; revocations are minded."""
    if case.trust is None or not case.entitled or not case.proofs:
        return lacking("checkpoint", "checkpoint")
    logs = [log.key for log in case.trust.logs if log.key.name == log_origin(case)]
    if not logs:
        return lacking("trust", "log key")
    logged = _logged(case)
    if len(case.proofs) < len(logged):
        return lacking("checkpoint", "proofs", logged[len(case.proofs)])
    times: list[int | None] = []
    parties: set[str] | None = None
    roots: dict[int, bytes] = {}
    # By identity: proofs that bring the same bytes hold the same checkpoint, and the case holds on to them.
    seen: dict[int, tuple[dict[str, int], Trouble | None]] = {}
    for item, proof in zip(logged, case.proofs, strict=True):
        checkpoint = proof.checkpoint.checkpoint
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            return failed("log_shows_two_roots", "root", item)
        by_party, trouble = seen.get(id(proof.checkpoint)) or seen.setdefault(
            id(proof.checkpoint), _cosigned(case, proof.checkpoint, item)
        )
        if trouble is not None:
            return trouble
        times.append(_witnessed_ms(by_party, case.trust.quorum))
        parties = set(by_party) if parties is None else parties & by_party.keys()
    if None in times:
        return lacking("checkpoint", "witnesses", logged[times.index(None)])
    witnessed = [t for t in times if t is not None]
    trouble = _ahead(case, logged, witnessed) or _revoked(case, logged, witnessed)
    if trouble is not None:
        return trouble
    case.cosigners = parties or set()
    case.cosigned_in_time = bool(case.cosigners) and all(
        -CLOCKS_APART_MS <= t - item.payload.ms <= COSIGN_WITHIN_S * 1000
        for t, item in zip(witnessed, logged, strict=True)
    )
    return None


def _witnessed_ms(by_party: Mapping[str, int], quorum: int) -> int | None:
    """Return when so many parties had cosigned, None where fewer did."""
    return sorted(by_party.values())[quorum - 1] * 1000 if len(by_party) >= quorum else None


def _ahead(case: Case, logged: list[Item], witnessed: list[int]) -> Trouble | None:
    """Tell which record was witnessed before the time that it says it was made at: that time is not true.

    A signer that does not vouch for its clock is found to be ahead, and no more.
    """
    for item, at in zip(logged, witnessed, strict=True):
        ahead_ms = item.payload.ms - at
        if ahead_ms <= CLOCKS_APART_MS:
            continue
        if item.payload.clock is ClockQuality.SYNCHRONISED:
            return failed("witnessed_before_it_was_made", "ms", item)
        case.findings.append(Finding("witnessed_before_it_was_made", place_text(item.payload.place), f"{ahead_ms} ms"))
    return None


def _cosigned(case: Case, checkpoint: SignedCheckpoint, item: Item) -> tuple[dict[str, int], Trouble | None]:
    """Return the earliest cosignature time in seconds by party, of trusted witnesses: not the log's, not the CPO's."""
    assert case.trust is not None  # noqa: S101 - checked by the caller
    logs = [log.key for log in case.trust.logs if log.key.name == checkpoint.checkpoint.origin]
    if note.check(checkpoint.note, logs).verdict is not Verdict.VALID:
        return {}, failed("checkpoint_not_signed_by_the_log", "checkpoint", item)
    checked = note.check(checkpoint.note, (w.key for w in case.trust.witnesses))
    if checked.failed:
        return {}, failed("cosignature_invalid", "cosignature", item)
    by_party: dict[str, int] = {}
    for cosigned in words(checked):
        party = next(w.party for w in case.trust.witnesses if w.key == cosigned.key)
        if party in _log_parties(case) | {case.cpo}:
            continue
        by_party[party] = min(cosigned.time_s, by_party.get(party, cosigned.time_s))
    return by_party, None


def _revoked(case: Case, logged: list[Item], witnessed: list[int]) -> Trouble | None:
    """Tell which record, or meter's signature in one, fell with its key: it and later heads were witnessed too late.

    Of a record beside the chain it is known that it was made in time only where the chain refers to it.
    """
    times = {item.hash: at for item, at in zip(logged, witnessed, strict=True)}
    earliest = witnessed[-1]
    for item in reversed(case.bundle.items):
        earliest = min(earliest, times.get(item.hash, earliest))
        if item.hash in times and _fell(case.signers[item.hash], earliest):
            return failed("key_revoked_before_witnessed", "kid", item)
        if any(_fell(entry, earliest) for entry in case.meter_keys.get(item.hash, ())):
            return failed("key_revoked_before_witnessed", "evidence", item)
    referred = _referred(case)
    for item in case.bundle.others:
        entry = case.signers.get(item.hash)
        if entry is not None and _fell(entry, witnessed[-1]):
            return failed("key_revoked_before_witnessed", "kid", item)
        if entry is None or entry.revoked_ms is None or item.hash in referred:
            continue
        if item.payload.kind != Kind.SETTLEMENT or (item.hash, Group.OPS) in case.contents:
            return lacking("checkpoint", "kid", item)
        case.verdicts[item.hash] = Verdict.UNKNOWN_KEY  # closed, it bears on nothing
    return None


def _fell(entry: Entry, witnessed_ms: int) -> bool:
    return entry.revoked_ms is not None and witnessed_ms >= entry.revoked_ms


def _referred(case: Case) -> set[bytes]:
    """Return the payload hashes that the chain's records refer to, and those that these refer to, and so on."""
    found: set[bytes] = set()
    ahead = [ref for item in case.bundle.items for ref in item.payload.refs]
    while ahead:
        ref = ahead.pop()
        if ref not in found:
            found.add(ref)
            ahead.extend(case.items[ref].payload.refs if ref in case.items else ())
    return found


def _log_parties(case: Case) -> set[str]:
    assert case.trust is not None  # noqa: S101 - checked by the callers
    return {log.party for log in case.trust.logs if log.key.name == log_origin(case)}


def standing(case: Case) -> Standing:
    """Gather what the grade rests on."""
    started, ended = case.of_kind(Kind.STARTED), case.of_kind(Kind.ENDED)
    signers = [case.signers[i.hash] for i in (started, ended) if i is not None]
    source = _source(case, signers)
    own = {entry.party for entry in signers} | {case.cpo} if source is not Source.METER else {case.cpo}
    if case.meter_party is not None:
        own.add(case.meter_party)
    independent = case.cosigners - own
    recorded_by_csms = any(e.role is Role.CSMS for e in signers)
    return Standing(
        source=source,
        cosigned_in_time=case.cosigned_in_time,
        independent_cosigners=len(independent),
        complete=case.meter_complete if recorded_by_csms else True,
        forwarder_can_read=_forwarder_can_read(case, [i for i in (started, ended) if i is not None]),
    )


def _source(case: Case, signers: list[Entry]) -> Source:
    if case.meter_signed:
        return Source.METER
    roles = {Role.EDGE: Source.EDGE, Role.STATION: Source.STATION, Role.METER: Source.METER}
    if len(signers) == 2 and all(e.role in roles and e.custodian != case.cpo for e in signers):
        return roles[signers[0].role]
    return Source.CSMS


_TELLING = (Group.METER, Group.LOAD, Group.RAW)
"""Groups out of which energy can be read."""


def _forwarder_can_read(case: Case, items: list[Item]) -> bool:
    """Return whether the CPO reads energy: it is a reader at start or end, or some box that tells it is in the open."""
    for item in items:
        content = case.contents.get((item.hash, Group.METER))
        if content is None or not content.readers or case.cpo in content.readers:
            return True
    told = (item.payload.groups[gid] for item in case.own() for gid in _TELLING if gid in item.payload.groups)
    return any(commitment.box_hash is None for commitment in told) or not items
