/** Hashes and signatures: SHA-256, ESP256 (P-256, low s) and Ed25519, nothing else (docs/spec/record.md, "Keys"). */

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { sha256 as digest, sha512 } from "@noble/hashes/sha2.js";
import { bigEndian, concat, fromHex, hex, same, startsWith } from "./bytes.js";
import { InputError } from "./errors.js";

export const ESP256 = -9;
export const ED25519 = -19;
export type Algorithm = typeof ESP256 | typeof ED25519;

const PRIME_25519 = 2n ** 255n - 19n;
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  PRIME_25519 - 1n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
]);
/** The u coordinates of X25519's points of small order, below the prime. */
const SMALL_ORDER_U: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  PRIME_25519 - 1n,
]);

const prefix = (digits: string): Uint8Array => fromHex(digits) ?? new Uint8Array();
const ED25519_SPKI = prefix("302a300506032b6570032100");
const X25519_SPKI = prefix("302a300506032b656e032100");
const P256_SPKI = prefix("3059301306072a8648ce3d020106082a8648ce3d030107034200");

export function sha256(data: Uint8Array): Uint8Array {
  return digest(data);
}

/** The first 8 bytes of the SPKI's SHA-256. */
export function kidOf(spki: Uint8Array): Uint8Array {
  return sha256(spki).slice(0, 8);
}

/** A usable public key of a record's signer. */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly spki: Uint8Array;
  readonly kid: Uint8Array;
}

/** Parse canonical SPKI bytes. Other curves, compressed points, small-order keys: `InputError`. */
export function publicKey(spki: Uint8Array): PublicKey {
  const kid = kidOf(spki);
  if (startsWith(spki, ED25519_SPKI) && spki.length === 44) {
    const y = littleEndian(spki.subarray(12)) & (2n ** 255n - 1n);
    if (y >= PRIME_25519 || SMALL_ORDER_Y.has(y)) {
      throw new InputError("Ed25519 key of small order or not canonical", "weak_key", hex(kid));
    }
    return { algorithm: ED25519, spki, kid };
  }
  if (startsWith(spki, P256_SPKI) && spki.length === 91) {
    try {
      p256.Point.fromBytes(spki.slice(26));
    } catch {
      throw new InputError("P-256 point is not on the curve", "bad_key", hex(kid));
    }
    return { algorithm: ESP256, spki, kid };
  }
  throw new InputError("public key must be a DER SPKI of Ed25519 or of P-256", "bad_key", "spki");
}

/** Refuse what is no sealing key: other curves, points of small order. */
export function checkSealingKey(spki: Uint8Array): void {
  if (!startsWith(spki, X25519_SPKI) || spki.length !== 44) {
    throw new InputError("sealing key must be a DER SPKI of X25519", "bad_key", "spki");
  }
  const u = (littleEndian(spki.subarray(12)) & (2n ** 255n - 1n)) % PRIME_25519;
  if (SMALL_ORDER_U.has(u)) {
    throw new InputError("X25519 key of small order", "weak_key", "spki");
  }
}

/** Whether a signature (64 bytes: r and s with low s, or Ed25519) is this key's over a message. */
export function verifies(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) {
    return false;
  }
  if (key.algorithm === ED25519) {
    return verifiesEd25519(key.spki.slice(12), message, signature);
  }
  return once(key.spki, message, signature, () =>
    p256.verify(signature, message, key.spki.slice(26), { format: "compact", lowS: true, prehash: true }),
  );
}

/**
 * Whether a signature is an Ed25519 key's (RFC 8032, 5.1.7, without the cofactor): a commitment of small order, or with a
 * part of it, is refused. With the cofactor, as libraries do it, a signer could make what holds here and fails elsewhere.
 */
export function verifiesEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && once(key, message, signature, () => holds(key, message, signature));
}

function holds(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { BASE, ZERO, Fn } = ed25519.Point;
  const [commitment, s] = [signature.slice(0, 32), littleEndian(signature.slice(32))];
  if (s >= Fn.ORDER || SMALL_ORDER_Y.has(littleEndian(commitment) & (2n ** 255n - 1n))) {
    return false;
  }
  try {
    const point = ed25519.Point.fromBytes(key, false);
    const challenge = littleEndian(sha512(concat(commitment, key, message))) % Fn.ORDER;
    const base = s === 0n ? ZERO : BASE.multiply(s);
    const expected = base.subtract(point.multiplyUnsafe(challenge)).toBytes();
    return !point.isSmallOrder() && same(expected, commitment);
  } catch {
    return false;
  }
}

const REMEMBERED = 4096;
const ANSWERS = new Map<string, boolean>();

/** Verify once what is met again: entries and checkpoints in bundle after bundle. Keys and signatures have fixed sizes. */
function once(key: Uint8Array, message: Uint8Array, signature: Uint8Array, verify: () => boolean): boolean {
  const question = hex(sha256(concat(key, signature, message)));
  let answer = ANSWERS.get(question);
  if (answer === undefined) {
    answer = verify();
    if (ANSWERS.size >= REMEMBERED) {
      ANSWERS.clear();
    }
    ANSWERS.set(question, answer);
  }
  return answer;
}

/** Whether 32 bytes are a point of Ed25519's main group in canonical form. */
export function isEd25519Key(key: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(key, false);
    return key.length === 32 && !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

function littleEndian(data: Uint8Array): bigint {
  return bigEndian(data.slice().reverse());
}
