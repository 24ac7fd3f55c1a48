"""Steps 8, 9 and part of 12: what the log and its witnesses say."""

from collections.abc import Mapping

from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.bundle.grade import COSIGN_WITHIN_S, Standing
from wattseal.crypto.keys import PublicKey
from wattseal.log import note
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import words
from wattseal.model.verdict import Source, Verdict
from wattseal.seal.groups import PLAIN
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.receipt import read as read_receipt
from wattseal.seal.registry import Entry, Role, Use


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
    for statement in case.bundle.receipts:
        entry = case.registry.by_kid(statement.signature.kid)
        if entry is None or entry.role is not Role.CSMS or entry.use is not Use.SIGN:
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
    revoked = _revoked(case, logged, witnessed)
    if revoked is not None:
        return revoked
    case.cosigners = parties or set()
    case.cosigned_in_time = bool(case.cosigners) and all(
        t - item.payload.ms <= COSIGN_WITHIN_S * 1000 for t, item in zip(witnessed, logged, strict=True)
    )
    return None


def _witnessed_ms(by_party: Mapping[str, int], quorum: int) -> int | None:
    """Return when so many parties had cosigned, None where fewer did."""
    return sorted(by_party.values())[quorum - 1] * 1000 if len(by_party) >= quorum else None


def _cosigned(case: Case, checkpoint: SignedCheckpoint, item: Item) -> tuple[dict[str, int], Trouble | None]:
    """Return the earliest cosignature time in seconds by party, for trusted witnesses not of the log's own party."""
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
        if party in _log_parties(case):
            continue
        by_party[party] = min(cosigned.time_s, by_party.get(party, cosigned.time_s))
    return by_party, None


def _revoked(case: Case, logged: list[Item], witnessed: list[int]) -> Trouble | None:
    """Tell which record fell with its key: it and every later head of its chain were witnessed after the revocation."""
    earliest = witnessed[-1]
    for item, at in zip(reversed(logged), reversed(witnessed), strict=True):
        earliest = min(earliest, at)
        revoked_ms = case.signers[item.hash].revoked_ms
        if revoked_ms is not None and earliest >= revoked_ms:
            return failed("key_revoked_before_witnessed", "kid", item)
    for item in case.bundle.others:
        entry = case.signers.get(item.hash)
        if entry is not None and entry.revoked_ms is not None and witnessed[-1] >= entry.revoked_ms:
            return failed("key_revoked_before_witnessed", "kid", item)
    return None


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


def _forwarder_can_read(case: Case, items: list[Item]) -> bool:
    for item in items:
        commitment = item.payload.groups.get(Group.METER)
        content = case.contents.get((item.hash, Group.METER))
        if commitment is None or commitment.box_hash is None or content is None or not content.readers:
            return True
        box = item.boxes.get(Group.METER)
        if case.cpo in content.readers or (isinstance(box, list) and box[0] == PLAIN):
            return True
    return not items
