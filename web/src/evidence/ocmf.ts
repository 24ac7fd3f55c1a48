/**
 * OCMF (Open Charge Metering Format 1.x): whose signature a record carries, and what it says.
 *
 * The verdict is the signature's alone. Order of the checks: the record reads; a signature is there, in its stated
 * encoding, and strict DER; its algorithm is known and can be verified here; a key is there and usable; the key's curve
 * is the algorithm's; ECDSA holds over the payload bytes as sent.
 */
import { fromBase64, fromHex } from "./bytes.js";
import { parsePublicKey, readDerSignature, verifies, type CurveName, type HashName } from "./curves.js";
import type { Checked, Verdict } from "./format.js";
import { meaningOf } from "./ocmf_meaning.js";
import { parse, type OcmfRecord, type OcmfSignature } from "./ocmf_record.js";
import { Unreadable } from "./strict_json.js";

const NAME = "OCMF";
const CURVES: ReadonlyMap<string, CurveName> = new Map([
  ["secp192r1", "secp192r1"],
  ["secp256k1", "secp256k1"],
  ["secp256r1", "secp256r1"],
  ["secp384r1", "secp384r1"],
  ["brainpool256r1", "brainpoolP256r1"],
  ["brainpoolP256r1", "brainpoolP256r1"],
  ["brainpool384r1", "brainpoolP384r1"],
  ["brainpoolP384r1", "brainpoolP384r1"],
]);

type Signed = readonly [verdict: Verdict, reason: string, key: Uint8Array | null];

/** Check one record under `keys`, any of which may have signed; never throws, whatever the bytes. */
export function check(raw: Uint8Array, keys: readonly Uint8Array[]): Checked {
  let record: OcmfRecord;
  try {
    record = parse(raw);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { format: NAME, verdict: "UNREADABLE", reason: error.code, meaning: null, key: null };
  }
  const [verdict, reason, key] = verify(record, keys);
  return { format: NAME, verdict, reason, meaning: meaningOf([record]), key };
}

/** The signature's verdict under `keys`, its reason code, and the key that verified. */
export function verify(record: OcmfRecord, keys: readonly Uint8Array[]): Signed {
  const signature = signatureBytes(record.signature);
  if (typeof signature === "string") return ["INVALID", signature, null];
  const match = /^ECDSA-([A-Za-z0-9]{1,24})-(SHA256|SHA384|SHA512)$/.exec(record.signature.algorithm);
  if (match === null) return ["INVALID", "algorithm_unknown", null];
  const curve = CURVES.get(match[1] ?? "");
  if (curve === undefined) return ["UNKNOWN_KEY", "curve_unsupported", null];
  return verifyUnder(keys, curve, match[2] as HashName, record.payload, signature);
}

/** Try every key: one that verifies wins, then one that refutes, then the reason why none is usable. */
function verifyUnder(
  keys: readonly Uint8Array[],
  curve: CurveName,
  hash: HashName,
  payload: Uint8Array,
  signature: Uint8Array,
): Signed {
  const reasons = new Set<string>();
  for (const data of keys) {
    const key = parsePublicKey(data, curve);
    if (typeof key === "string") reasons.add(key);
    else if (key.curve !== curve) reasons.add("key_curve_mismatch");
    else if (verifies(key, payload, signature, hash)) return ["VALID", "signature_valid", data];
    else reasons.add("signature_mismatch");
  }
  for (const refuted of ["signature_mismatch", "key_curve_mismatch"]) {
    if (reasons.has(refuted)) return ["INVALID", refuted, null];
  }
  return ["UNKNOWN_KEY", Array.from(reasons).sort()[0] ?? "no_key", null];
}

/** The DER signature, or the reason code why there is none. */
function signatureBytes(signature: OcmfSignature): Uint8Array | string {
  if (signature.data === "") return "signature_missing";
  if (signature.mime !== "application/x-der") return "signature_type_unknown";
  const decoders: Record<string, ((text: string) => Uint8Array | null) | undefined> = { hex: fromHex, base64: fromBase64 };
  const decode = Object.hasOwn(decoders, signature.encoding) ? decoders[signature.encoding] : undefined;
  const data = decode?.(signature.data) ?? null;
  if (data === null) return "signature_encoding";
  return readDerSignature(data) === null ? "signature_not_der" : data;
}
