/** The verifier: thirteen numbered steps over a bundle's bytes, a trust file and nothing else (docs/spec/bundle.md). */

import { readTariff as readHere } from "../pricing/index.js";
import { checkAuthorisation, checkPrice } from "./agreement.js";
import { parseBundle, type Bundle } from "./bundle.js";
import { compare, same } from "./bytes.js";
import { Case, failed, lacking, type Trouble } from "./case.js";
import { checkChain, findFork } from "./chain.js";
import { checkContinuity, openContent, pointsTold } from "./content.js";
import { publicKey } from "./crypto.js";
import { InputError } from "./errors.js";
import { checkEvidence } from "./foreign.js";
import { gradeCase } from "./grade.js";
import type { Opening } from "./groups.js";
import { identification } from "./identification.js";
import { verifyItem } from "./item.js";
import type { ReadTariff } from "./pricer.js";
import { parseProof, type TlogProof } from "./proof.js";
import type { Outcome, Report, Step, StepResult } from "./report.js";
import { examine, type Trust } from "./trust.js";
import { checkInclusion, checkWitnesses, logOrigin } from "./witnesses.js";

const SUITE_FIELDS = ["version", "protected", "kid"];
const LAST_STEP = 12;

/**
 * Check bundle bytes under a trust file. `openings` show more of it than it shows itself; `readTariff` prices; without
 * one (null), a bundle that states a price is INCOMPLETE. Never throws for bad input.
 */
export function verifyBundle(
  data: Uint8Array,
  trust: Trust | null,
  openings: readonly Opening[] = [],
  readTariff: ReadTariff | null = readHere,
): Report {
  let bundle: Bundle;
  let proofs: TlogProof[];
  try {
    bundle = parseBundle(data);
    proofs = bundle.proofs.map(parseProof);
  } catch (error) {
    return unreadable(expected(error));
  }
  const found = new Case(bundle, proofs, trust, allOpenings(bundle, openings), readTariff);
  const steps = [step(0, "ok"), step(1, "ok")];
  for (const run of STEPS) {
    const number = steps.length;
    const trouble = attempt(run, found);
    steps.push(trouble === null ? step(number, "ok") : { number, ...trouble });
    if (trouble?.result === "failed") {
      break;
    }
  }
  return reportOf(found, notReached(steps));
}

/** The bundle's openings and those handed in, in the bundle's order, each once. */
function allOpenings(bundle: Bundle, openings: readonly Opening[]): Opening[] {
  const known = (one: Opening): boolean =>
    bundle.openings.some((other) => other.gid === one.gid && same(other.payloadHash, one.payloadHash));
  const order = (one: Opening, other: Opening): number =>
    compare(one.payloadHash, other.payloadHash) || (one.gid < other.gid ? -1 : Number(one.gid > other.gid));
  return [...bundle.openings, ...openings.filter((one) => !known(one))].sort(order);
}

function expected(error: unknown): InputError {
  if (error instanceof InputError) {
    return error;
  }
  throw error;
}

function attempt(run: (found: Case) => Trouble | null, found: Case): Trouble | null {
  try {
    return run(found);
  } catch (error) {
    const { code, subject } = expected(error);
    return failed(code, subject);
  }
}

function step(number: number, result: StepResult, reason = "", field = ""): Step {
  return { number, result, reason, field, record: "" };
}

function notReached(steps: readonly Step[]): Step[] {
  const rest = Array.from({ length: LAST_STEP + 1 - steps.length }, (_, at) => step(steps.length + at, "not_reached"));
  return [...steps, ...rest];
}

function unreadable(error: InputError): Report {
  const suite = error.subject.split(/\s+/).some((word) => SUITE_FIELDS.includes(word));
  const reached = suite ? [step(0, "ok")] : [];
  const failure = step(reached.length, "failed", error.code, error.subject);
  return {
    verdict: suite ? "INVALID" : "UNREADABLE",
    steps: notReached([...reached, failure]),
    records: [],
    grade: null,
    source: null,
    energyWh: null,
    findings: [],
    points: [],
    price: null,
    identification: null,
    failure,
    shown: null,
  };
}

function reportOf(found: Case, steps: readonly Step[]): Report {
  const failure =
    steps.find((one) => one.result === "failed") ?? steps.find((one) => one.result === "incomplete") ?? null;
  const verdict: Outcome = failure === null ? "VALID" : failure.result === "failed" ? "INVALID" : "INCOMPLETE";
  const valid = verdict === "VALID";
  return {
    verdict,
    steps,
    records: found.recordReports(),
    grade: valid ? found.grade : null,
    source: valid ? found.source : null,
    energyWh: valid ? found.energyWh : null,
    findings: found.findings,
    points: valid ? pointsTold(found) : [],
    price: found.price,
    identification: valid ? identification(found) : null,
    failure,
    shown: { bundle: found.bundle, content: (item, gid) => found.content(item, gid) },
  };
}

/** Step 2: every signer is enrolled for its origin, kind and time under the trust file. */
function checkEntitled(found: Case): Trouble | null {
  if (found.trust === null) {
    return lacking("trust", "trust file");
  }
  const [registry, refusals] = examine(found.trust, found.bundle.entries);
  found.registry = registry;
  if (refusals.includes("entry_of_an_unknown_root")) {
    return lacking("trust", "registry root");
  }
  if (refusals[0] !== undefined) {
    return failed(refusals[0], "registry entry");
  }
  for (const item of found.signed()) {
    const { origin, kind, ms } = item.payload;
    const kid = item.signature?.kid ?? new Uint8Array();
    const entry = registry.signer(kid, origin, kind, ms);
    if (typeof entry === "string") {
      found.verdicts.set(item.hash, "UNKNOWN_KEY");
      return failed(entry, "kid", item);
    }
    if (registry.afterHandover(kid, item.payload, item.hash)) {
      return failed("signed_after_handover", "kid", item);
    }
    found.signers.set(item.hash, entry);
  }
  found.entitled = true;
  return null;
}

/** Step 3: each signature is its key's over this payload for the log the bundle names. */
function checkSignatures(found: Case): Trouble | null {
  if (!found.entitled) {
    return lacking("trust", "signers");
  }
  const origin = logOrigin(found);
  if (origin === null) {
    return lacking("checkpoint", "log origin");
  }
  for (const item of found.signed()) {
    const signer = found.signers.get(item.hash);
    if (signer === undefined || !verifyItem(item, publicKey(signer.spki), origin)) {
      found.verdicts.set(item.hash, "INVALID");
      return failed("signature_invalid", "signature", item);
    }
    found.verdicts.set(item.hash, "VALID");
  }
  return null;
}

/** Step 4: the items are one unbroken stretch of one chain, signed at both ends, and nobody wrote two histories. */
function checkChains(found: Case): Trouble | null {
  const { items, others } = found.bundle;
  const problem = checkChain(items)[0];
  if (problem !== undefined) {
    return failed(problem.code, problem.field, items[problem.index]);
  }
  const unsigned = others.find((item) => item.signature === null);
  if (unsigned !== undefined) {
    return failed("unsigned_kind", "signature", unsigned);
  }
  const fork = findFork([...items, ...others]);
  if (fork !== undefined) {
    return failed("fork", "payload", fork);
  }
  const verdicts = found.verdicts.values();
  found.linksCovered = verdicts.length > 0 && verdicts.every((verdict) => verdict === "VALID");
  return null;
}

const STEPS: readonly ((found: Case) => Trouble | null)[] = [
  checkEntitled,
  checkSignatures,
  checkChains,
  openContent,
  checkEvidence,
  checkContinuity,
  checkInclusion,
  checkWitnesses,
  checkAuthorisation,
  checkPrice,
  gradeCase,
];
