/** COSE_Sign1 envelopes, and statements that are not records: receipts, registry entries, consents, handovers. */

import { same } from "./bytes.js";
import { ED25519, ESP256, verifies, type Algorithm, type PublicKey } from "./crypto.js";
import { decode, encode, isBytes, isMap, Tagged, untag, type Fields, type Value } from "./dcbor.js";
import { CborError } from "./errors.js";

/** What a statement is; the first element of its external_aad, so that it passes for nothing else. */
export type Domain =
  | "wattseal-record-v1"
  | "wattseal-receipt-v1"
  | "wattseal-entry-v1"
  | "wattseal-consent-v1"
  | "wattseal-handover-v1";

/** Protected header and signature bytes. */
export interface Signature {
  readonly protectedHeader: Uint8Array;
  readonly bytes: Uint8Array;
  readonly algorithm: Algorithm;
  readonly kid: Uint8Array;
}

/** Check the four parts of a COSE_Sign1 with header {1: alg, 4: kid}; return signature and payload bytes. */
export function parseSign1(parts: readonly Value[]): [Signature, Uint8Array] {
  const [protectedHeader, unprotected, payload, bytes] = parts;
  const shaped = isBytes(protectedHeader) && isMap(unprotected) && isBytes(payload) && isBytes(bytes);
  if (parts.length !== 4 || !shaped || unprotected.size > 0) {
    throw new CborError("COSE_Sign1 is [protected, {}, payload, signature]", "sign1");
  }
  const [algorithm, kid] = parseHeader(protectedHeader);
  if (bytes.length !== 64) {
    throw new CborError("a signature is 64 bytes", "signature");
  }
  return [{ protectedHeader, bytes, algorithm, kid }, payload];
}

function parseHeader(data: Uint8Array): [Algorithm, Uint8Array] {
  const header = decode(data, 64);
  const algorithm = isMap(header) && header.size === 2 && header.has(4) ? header.get(1) : undefined;
  if (!isMap(header) || (algorithm !== ESP256 && algorithm !== ED25519)) {
    throw new CborError("protected header is {1: -9 or -19, 4: kid}", "protected");
  }
  const kid = header.get(4);
  if (!isBytes(kid) || kid.length !== 8) {
    throw new CborError("kid is 8 bytes", "kid");
  }
  return [algorithm, kid];
}

export function sign1Value(signature: Signature, payload: Uint8Array): Value {
  return new Tagged([signature.protectedHeader, new Map(), payload, signature.bytes]);
}

/** Whether `key` signed `payload` in `domain` for `context` (a log origin or registry name; RFC 9052, 4.4). */
export function signedBy(
  key: PublicKey,
  signature: Signature,
  payload: Uint8Array,
  domain: Domain,
  context: string,
): boolean {
  if (!same(signature.kid, key.kid) || signature.algorithm !== key.algorithm) {
    return false;
  }
  const aad = encode([domain, context]);
  const message = encode(["Signature1", signature.protectedHeader, aad, payload]);
  return verifies(key, message, signature.bytes);
}

/** A parsed but unverified statement; `fields` is its payload map. */
export interface Statement {
  readonly signature: Signature;
  readonly payload: Uint8Array;
  readonly fields: Fields;
}

/** Parse the bytes of a statement; `CborError` names the field. */
export function parseStatement(data: Uint8Array): Statement {
  return statementFrom(decode(data));
}

/** Check the shape of a decoded statement. */
export function statementFrom(value: Value): Statement {
  const [signature, payload] = parseSign1(untag(value));
  const fields = decode(payload);
  if (!isMap(fields)) {
    throw new CborError("a statement's payload is a map", "payload");
  }
  return { signature, payload, fields };
}

export function statementValue(statement: Statement): Value {
  return sign1Value(statement.signature, statement.payload);
}

/** Whether `key` made a statement in `domain` for `context`. */
export function stated(statement: Statement, key: PublicKey, domain: Domain, context: string): boolean {
  return signedBy(key, statement.signature, statement.payload, domain, context);
}
