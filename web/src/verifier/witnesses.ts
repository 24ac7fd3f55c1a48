/** Steps 8 and 9: what the log and its witnesses say. */

import { base64, same } from "./bytes.js";
import { ByBytes, failed, finding, lacking, type Case, type Trouble } from "./case.js";
import { publicKey } from "./crypto.js";
import { isBytes, isInt, isText, type Int } from "./dcbor.js";
import { CborError } from "./errors.js";
import { Group, Kind, leafEntry, placeText, type Item } from "./item.js";
import { checkNote, cosignedAtS, isWitness, sameVkey, type SignedCheckpoint } from "./notes.js";
import { includes, type TlogProof } from "./proof.js";
import { covers, type Entry, type Registry } from "./registry.js";
import { stated, type Statement } from "./signed.js";
import type { Trust } from "./trust.js";

/** A record is worth G1 if a party other than the log's cosigned it within this time. */
const COSIGN_WITHIN_MS = 24n * 3600n * 1000n;
/** A signer's clock may be so far ahead of a witness's: a record made later than it was witnessed has a false time. */
const CLOCKS_APART_MS = 300_000n;
const SYNCHRONISED = 2;

/** The log that the bundle's first proof names. */
export function logOrigin(found: Case): string | null {
  return found.proofs[0]?.checkpoint.origin ?? null;
}

type Logged = readonly [item: Item, proof: TlogProof];

/** The signed items of the chain, each with its proof, and the first that has none. */
function proven(found: Case): readonly [logged: readonly Logged[], unproven: Item | undefined] {
  const signed = found.bundle.items.filter((item) => item.signature !== null);
  const logged = signed.flatMap((item, at): Logged[] => {
    const proof = found.proofs[at];
    return proof === undefined ? [] : [[item, proof]];
  });
  return [logged, signed[logged.length]];
}

/** Step 8: each signed item of the chain is in the log, under the root its proof states; receipts agree. */
export function checkInclusion(found: Case): Trouble | null {
  const origin = logOrigin(found);
  if (!found.entitled || found.registry === null || origin === null) {
    return lacking("checkpoint", "proofs");
  }
  const [logged, unproven] = proven(found);
  if (unproven !== undefined) {
    return lacking("checkpoint", "proofs", unproven);
  }
  if (logged.length < found.proofs.length) {
    return failed("proof_without_record", "proofs");
  }
  for (const [item, proof] of logged) {
    if (proof.hasExtra) {
      return failed("proof_not_canonical", "proof", item);
    }
    if (proof.checkpoint.origin !== origin) {
      return failed("proofs_of_two_logs", "checkpoint origin", item);
    }
    const entry = leafEntry(item);
    if (entry === null || !includes(proof, entry)) {
      return failed("not_included", "inclusion proof", item);
    }
  }
  return checkReceipts(found, found.registry, logged, origin);
}

function checkReceipts(
  found: Case,
  registry: Registry,
  logged: readonly Logged[],
  origin: string,
): Trouble | null {
  const byHash = new ByBytes<Logged>();
  logged.forEach((one) => byHash.set(one[0].hash, one));
  for (const statement of found.bundle.receipts) {
    const entry = registry.byKid(statement.signature.kid);
    const station = found.bundle.items[0]?.payload.origin ?? "";
    if (entry === undefined || entry.role !== "csms" || entry.seals || !covers(entry, station)) {
      return failed("receipt_of_an_unknown_key", "receipt");
    }
    if (!stated(statement, publicKey(entry.spki), "wattseal-receipt-v1", origin)) {
      return failed("receipt_signature_invalid", "receipt");
    }
    const receipt = readReceipt(statement);
    const about = byHash.get(receipt.head);
    if (about === undefined) {
      return failed("receipt_for_another_record", "receipt");
    }
    const [item, proof] = about;
    const { payload } = item;
    const placed = receipt.origin === payload.origin && receipt.stream === payload.stream;
    const there = placed && receipt.epoch === payload.epoch && receipt.seq === payload.seq;
    const leaf = leafEntry(item);
    if (!there || leaf === null || !same(receipt.leaf, leaf) || BigInt(receipt.index) !== proof.index) {
      return failed("receipt_disagrees_with_the_log", "receipt", item);
    }
  }
  return null;
}

interface Receipt {
  readonly origin: string;
  readonly stream: Int;
  readonly epoch: Int;
  readonly seq: Int;
  readonly head: Uint8Array;
  readonly leaf: Uint8Array;
  readonly index: Int;
}

function readReceipt({ fields }: Statement): Receipt {
  const [origin, stream, epoch, seq, head, leaf, index, ms, mmdS] = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => fields.get(n));
  const placed = isText(origin) && isInt(stream) && isInt(epoch) && isInt(seq);
  const hashed = isBytes(head) && isBytes(leaf) && isInt(index) && isInt(ms) && isInt(mmdS);
  if (fields.size !== 9 || !placed || !hashed) {
    throw new CborError("a receipt has nine fields", "receipt");
  }
  return { origin, stream, epoch, seq, head, leaf, index };
}

/** The earliest cosignature time in seconds by party, and what is wrong with the checkpoint. */
type Cosigned = readonly [byParty: ReadonlyMap<string, bigint>, trouble: Trouble | null];

/** Step 9: checkpoints are the trusted log's, and enough parties cosigned them; revocations are minded. */
export function checkWitnesses(found: Case): Trouble | null {
  const { trust } = found;
  const origin = logOrigin(found);
  if (trust === null || !found.entitled || origin === null) {
    return lacking("checkpoint", "checkpoint");
  }
  if (!trust.logs.some((log) => log.key.name === origin)) {
    return lacking("trust", "log key");
  }
  const [logged, unproven] = proven(found);
  if (unproven !== undefined) {
    return lacking("checkpoint", "proofs", unproven);
  }
  const times: (bigint | null)[] = [];
  let parties: ReadonlySet<string> | null = null;
  const roots = new Map<bigint, Uint8Array>();
  const seen = new Map<string, Cosigned>();
  for (const [item, proof] of logged) {
    const { size, root } = proof.checkpoint;
    if (!same(roots.get(size) ?? root, root)) {
      return failed("log_shows_two_roots", "root", item);
    }
    roots.set(size, root);
    const asBytes = base64(proof.checkpointBytes);
    const [byParty, trouble] = seen.get(asBytes) ?? cosigned(found, trust, proof.checkpoint, item);
    seen.set(asBytes, [byParty, trouble]);
    if (trouble !== null) {
      return trouble;
    }
    const ranked = [...byParty.values()].sort((one, other) => (one < other ? -1 : Number(one > other)));
    const timeS = ranked[trust.quorum - 1];
    times.push(timeS === undefined ? null : timeS * 1000n);
    const both: ReadonlySet<string> = parties ?? new Set(byParty.keys());
    parties = new Set([...both].filter((party) => byParty.has(party)));
  }
  return conclude(found, logged.map(([item]) => item), times, parties ?? new Set());
}

function cosigned(found: Case, trust: Trust, checkpoint: SignedCheckpoint, item: Item): Cosigned {
  const logs = trust.logs.filter((log) => log.key.name === checkpoint.origin);
  const byLog = checkNote(checkpoint.note, logs.map((log) => log.key));
  if (byLog.failed || byLog.good.length === 0) {
    return [new Map(), failed("checkpoint_not_signed_by_the_log", "checkpoint", item)];
  }
  const byWitnesses = checkNote(checkpoint.note, trust.witnesses.map((witness) => witness.key));
  if (byWitnesses.failed) {
    return [new Map(), failed("cosignature_invalid", "cosignature", item)];
  }
  const own = new Set([found.cpo, ...logs.map((log) => log.party)]);
  const byParty = new Map<string, bigint>();
  for (const [key, line] of byWitnesses.good) {
    const party = trust.witnesses.find((witness) => sameVkey(witness.key, key))?.party;
    if (!isWitness(key) || party === undefined || own.has(party)) {
      continue;
    }
    const [timeS, known] = [cosignedAtS(line.signature), byParty.get(party)];
    byParty.set(party, known === undefined || timeS < known ? timeS : known);
  }
  return [byParty, null];
}

function conclude(
  found: Case,
  logged: readonly Item[],
  times: readonly (bigint | null)[],
  parties: ReadonlySet<string>,
): Trouble | null {
  const lacks = logged[times.indexOf(null)];
  if (lacks !== undefined) {
    return lacking("checkpoint", "witnesses", lacks);
  }
  const witnessed = times.filter((time) => time !== null);
  const trouble = ahead(found, logged, witnessed) ?? revoked(found, logged, witnessed);
  if (trouble !== null) {
    return trouble;
  }
  found.cosigners = parties;
  const inTime = witnessed.every((time, at) => {
    const after = time - BigInt(logged[at]?.payload.ms ?? 0);
    return -CLOCKS_APART_MS <= after && after <= COSIGN_WITHIN_MS;
  });
  found.cosignedInTime = parties.size > 0 && inTime;
  return null;
}

/**
 * Which record was witnessed before the time that it says it was made at: that time is not true. A signer that does not
 * vouch for its clock is found to be ahead, and no more.
 */
function ahead(found: Case, logged: readonly Item[], witnessed: readonly bigint[]): Trouble | null {
  for (const [at, item] of logged.entries()) {
    const aheadMs = BigInt(item.payload.ms) - (witnessed[at] ?? 0n);
    if (aheadMs <= CLOCKS_APART_MS) {
      continue;
    }
    if (item.payload.clock === SYNCHRONISED) {
      return failed("witnessed_before_it_was_made", "ms", item);
    }
    found.findings.push(finding("witnessed_before_it_was_made", placeText(item.payload), `${aheadMs} ms`));
  }
  return null;
}

/**
 * Which record, or meter's signature in one, fell with its key: it and later heads were witnessed too late. Of a record
 * beside the chain it is known that it was made in time only where the chain refers to it.
 */
function revoked(found: Case, logged: readonly Item[], witnessed: readonly bigint[]): Trouble | null {
  const times = new ByBytes<bigint>();
  logged.forEach((item, at) => times.set(item.hash, witnessed[at] ?? 0n));
  const last = witnessed[witnessed.length - 1];
  if (last === undefined) {
    return null;
  }
  let earliest = last;
  for (const item of found.bundle.items.toReversed()) {
    const at = times.get(item.hash);
    earliest = at !== undefined && at < earliest ? at : earliest;
    if (at !== undefined && fell(found.signers.get(item.hash), earliest)) {
      return failed("key_revoked_before_witnessed", "kid", item);
    }
    if (found.meterKeys.get(item.hash)?.some((entry) => fell(entry, earliest)) === true) {
      return failed("key_revoked_before_witnessed", "evidence", item);
    }
  }
  return revokedBeside(found, last);
}

function revokedBeside(found: Case, last: bigint): Trouble | null {
  const known = referred(found);
  for (const item of found.bundle.others) {
    const entry = found.signers.get(item.hash);
    if (fell(entry, last)) {
      return failed("key_revoked_before_witnessed", "kid", item);
    }
    if (entry === undefined || entry.revokedMs === null || known.get(item.hash) !== undefined) {
      continue;
    }
    if (item.payload.kind !== Kind.SETTLEMENT || found.content(item, Group.OPS) !== undefined) {
      return lacking("checkpoint", "kid", item);
    }
    found.verdicts.set(item.hash, "UNKNOWN_KEY"); // closed, it bears on nothing
  }
  return null;
}

function fell(entry: Entry | undefined, witnessedMs: bigint): boolean {
  return entry !== undefined && entry.revokedMs !== null && witnessedMs >= entry.revokedMs;
}

/** The payload hashes that the chain's records refer to, and those that these refer to, and so on. */
function referred(found: Case): ByBytes<true> {
  const known = new ByBytes<true>();
  const ahead = found.bundle.items.flatMap((item) => item.payload.refs);
  for (let ref = ahead.pop(); ref !== undefined; ref = ahead.pop()) {
    if (known.get(ref) === undefined) {
      known.set(ref, true);
      ahead.push(...(found.items.get(ref)?.payload.refs ?? []));
    }
  }
  return known;
}
