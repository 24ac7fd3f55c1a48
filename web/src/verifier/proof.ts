/** Offline proofs of logging (C2SP tlog-proof; RFC 9162, 2.1): index, inclusion proof and checkpoint in one text. */

import { concat, same } from "./bytes.js";
import { sha256 } from "./crypto.js";
import { InputError, LimitError } from "./errors.js";
import { decodeBase64, decodeDecimal, decodeHash, MAX_NOTE, noteText, parseCheckpoint, type SignedCheckpoint } from "./notes.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_PROOF_BYTES = MAX_NOTE + 64 * 1024;
const MAX_HASHES = 63;
const NEWLINE = 0x0a;

/** A parsed proof; nothing in it is verified yet. `checkpointBytes` are the checkpoint as it came. */
export interface TlogProof {
  readonly index: bigint;
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: SignedCheckpoint;
  readonly checkpointBytes: Uint8Array;
  readonly hasExtra: boolean;
}

/** Read a proof; anything tlog-proof does not allow is an `InputError`. */
export function parseProof(data: Uint8Array): TlogProof {
  if (data.length > MAX_PROOF_BYTES) {
    throw new LimitError(`a proof has at most ${MAX_PROOF_BYTES} bytes`, "tlog-proof");
  }
  const split = data.findIndex((byte, at) => byte === NEWLINE && data[at + 1] === NEWLINE);
  if (split < 0) {
    throw new InputError("a proof ends in a checkpoint after an empty line", "bad_proof", "tlog-proof");
  }
  const lines = noteText(data.subarray(0, split)).split("\n");
  if (lines.shift() !== HEADER) {
    throw new InputError(`a proof starts with ${HEADER}`, "bad_proof", "header");
  }
  const hasExtra = lines[0]?.startsWith("extra ") === true;
  if (hasExtra) {
    decodeBase64((lines.shift() ?? "").slice("extra ".length), "extra");
  }
  const stated = lines.shift();
  if (stated?.startsWith("index ") !== true) {
    throw new InputError("a proof states its index", "bad_proof", "index");
  }
  const index = decodeDecimal(stated.slice("index ".length), "index");
  if (lines.length > MAX_HASHES) {
    throw new LimitError(`a proof has at most ${MAX_HASHES} hashes`, "tlog-proof");
  }
  const hashes = lines.map((line) => decodeHash(line, "proof hash"));
  const checkpointBytes = data.slice(split + 2);
  return { index, hashes, checkpoint: parseCheckpoint(checkpointBytes), checkpointBytes, hasExtra };
}

/** Whether the proof binds a log entry to its checkpoint's root. */
export function includes(proof: TlogProof, entry: Uint8Array): boolean {
  const leaf = sha256(concat(Uint8Array.of(0), entry));
  return verifyInclusion(leaf, proof.index, proof.checkpoint.size, proof.hashes, proof.checkpoint.root);
}

/** Whether hashes bind a leaf to a root (RFC 9162, 2.1.3.2): exactly one proof is accepted, no spare element. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  hashes: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index < 0n || index >= size || [leaf, root, ...hashes].some((hash) => hash.length !== 32)) {
    return false;
  }
  let [first, last, node] = [index, size - 1n, leaf];
  for (const sibling of hashes) {
    if (last === 0n) {
      return false;
    }
    if ((first & 1n) === 1n || first === last) {
      node = nodeHash(sibling, node);
      while (first !== 0n && (first & 1n) === 0n) {
        [first, last] = [first >> 1n, last >> 1n];
      }
    } else {
      node = nodeHash(node, sibling);
    }
    [first, last] = [first >> 1n, last >> 1n];
  }
  return last === 0n && same(node, root);
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(Uint8Array.of(1), left, right));
}
