"""The verifier: thirteen numbered steps over a bundle's bytes, a trust file and nothing else (docs/spec/bundle.md).

The steps run in order and stop at the first that fails. What is merely lacking (trust, an opening, a checkpoint) makes
the outcome INCOMPLETE, never VALID.
"""

from collections.abc import Callable, Sequence

from wattseal.base.errors import InputError
from wattseal.bundle import agreement, price, proofs, readings
from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.bundle.format import parse_bundle
from wattseal.bundle.grade import grade
from wattseal.bundle.identification import identification
from wattseal.bundle.points import points_told
from wattseal.bundle.report import Outcome, Report, Step, StepResult
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import PublicKey
from wattseal.log.proof import TlogProof
from wattseal.model.verdict import Verdict
from wattseal.seal.chain import check_chain, find_forks
from wattseal.seal.registry import Refusal

_SUITE_FIELDS = ("version", "protected", "kid")


def check_bundle(data: bytes, trust: Trust | None, keys: Sequence[SealPrivateKey] = ()) -> Report:
    """Check bundle bytes under a trust file. `keys` open what is sealed for their holders; none are needed otherwise.

    Never raises for bad input: the report says what is wrong and where.
    """
    try:
        bundle = parse_bundle(data)
        parsed = [TlogProof.parse(proof) for proof in bundle.proofs]
    except InputError as error:
        return _unreadable(error)
    case = Case(bundle, trust, tuple(keys), parsed)
    steps = [Step(0, StepResult.OK), Step(1, StepResult.OK)]
    for number, run in enumerate(_STEPS, start=2):
        try:
            trouble = run(case)
        except InputError as error:
            trouble = failed(error.code, error.subject)
        steps.append(_step(number, trouble))
        if steps[-1].result is StepResult.FAILED:
            break
    steps.extend(Step(n, StepResult.NOT_REACHED) for n in range(len(steps), 13))
    return _report(case, steps)


def _unreadable(error: InputError) -> Report:
    suite = any(word in error.subject.split() for word in _SUITE_FIELDS)
    at = 1 if suite else 0
    steps = [Step(n, StepResult.OK) for n in range(at)]
    steps.append(Step(at, StepResult.FAILED, error.code, error.subject))
    steps.extend(Step(n, StepResult.NOT_REACHED) for n in range(at + 1, 13))
    return Report(Outcome.INVALID if suite else Outcome.UNREADABLE, steps)


def _step(number: int, trouble: Trouble | None) -> Step:
    if trouble is None:
        return Step(number, StepResult.OK)
    return Step(number, trouble.result, trouble.reason, trouble.field, trouble.record)


def _report(case: Case, steps: list[Step]) -> Report:
    results = {step.result for step in steps}
    records, findings = case.record_reports(), tuple(case.findings)
    if StepResult.FAILED in results:
        return Report(Outcome.INVALID, steps, records, findings=findings, price=case.price)
    if StepResult.INCOMPLETE in results:
        return Report(Outcome.INCOMPLETE, steps, records, findings=findings, price=case.price)
    return Report(
        Outcome.VALID,
        steps,
        records,
        grade=case.grade,
        source=case.source,
        energy_wh=case.energy_wh,
        findings=findings,
        points=points_told(case),
        price=case.price,
        identification=identification(case),
    )


def _entitled(case: Case) -> Trouble | None:
    """Step 2: every signer is enrolled for its origin, kind and time under the trust file."""
    if case.trust is None:
        return lacking("trust", "trust file")
    case.registry, refusals = case.trust.examine(case.bundle.entries)
    if any(r.code == "entry_of_an_unknown_root" for r in refusals):
        return lacking("trust", "registry root")
    if refusals:
        return failed(refusals[0].code, "registry entry")
    for item in case.signed():
        assert item.signature is not None  # noqa: S101 - what signed() means
        payload = item.payload
        entry = case.registry.signer(item.signature.kid, payload.origin, payload.kind, payload.ms)
        if isinstance(entry, Refusal):
            case.verdicts[item.hash] = Verdict.UNKNOWN_KEY
            return failed(entry.code, "kid", item)
        if case.registry.after_handover(item.signature.kid, payload.stream, payload.epoch, payload.seq, item.hash):
            return failed("signed_after_handover", "kid", item)
        case.signers[item.hash] = entry
    case.entitled = True
    return None


def _signatures(case: Case) -> Trouble | None:
    """Step 3: each signature is its key's over this payload for the log the bundle names."""
    if not case.entitled:
        return lacking("trust", "signers")
    origin = proofs.log_origin(case)
    if origin is None:
        return lacking("checkpoint", "log origin")
    for item in case.signed():
        key = PublicKey.from_spki(case.signers[item.hash].spki)
        if not item.verify(key, origin):
            case.verdicts[item.hash] = Verdict.INVALID
            return failed("signature_invalid", "signature", item)
        case.verdicts[item.hash] = Verdict.VALID
    return None


def _chain(case: Case) -> Trouble | None:
    """Step 4: the items are one unbroken stretch of one chain, signed at both ends, and nobody wrote two histories."""
    problems = check_chain(case.bundle.items)
    if problems:
        problem = problems[0]
        return failed(problem.code, problem.field, case.bundle.items[problem.index])
    for other in case.bundle.others:
        if other.signature is None:
            return failed("unsigned_kind", "signature", other)
    forks = find_forks([*case.bundle.items, *case.bundle.others])
    if forks:
        return failed("fork", "payload", forks[0].second)
    case.links_covered = all(v is Verdict.VALID for v in case.verdicts.values()) and bool(case.verdicts)
    return None


def _grade(case: Case) -> Trouble | None:
    """Step 12: the grade with its source."""
    if not case.entitled:
        return lacking("trust", "signers")
    standing = proofs.standing(case)
    case.source = standing.source
    case.grade = grade(standing)
    return None


_STEPS: tuple[Callable[[Case], Trouble | None], ...] = (
    _entitled,
    _signatures,
    _chain,
    readings.open_content,
    readings.check_evidence,
    readings.check_continuity,
    proofs.check_inclusion,
    proofs.check_witnesses,
    agreement.check_authorisation,
    price.check_price,
    _grade,
)
