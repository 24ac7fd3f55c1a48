/**
 * ECDSA over the curves foreign meters use, verification only (OCMF 1.4, tables 22 and 23; docs/spec/evidence.md, "Keys").
 *
 * The field and curve arithmetic is @noble/curves', from explicit parameters where it names no such curve. secp192k1 is
 * in the standard and computed nowhere here, as nowhere else in this product: such a key is unknown, never guessed.
 */
import { ecdsa, weierstrass, type ECDSA, type WeierstrassOpts } from "@noble/curves/abstract/weierstrass.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import { asciiOf, equal, fromBase64, fromHex, toHex } from "./bytes.js";

export type CurveName =
  | "secp192r1"
  | "secp256k1"
  | "secp256r1"
  | "secp384r1"
  | "brainpoolP256r1"
  | "brainpoolP384r1";
export type HashName = "SHA256" | "SHA384" | "SHA512";

/** A public key that cannot be used. */
export type KeyTrouble = "bad_key" | "curve_unsupported";

/** A usable public key: its curve and its uncompressed point (`04 || X || Y`). */
export interface MeterKey {
  readonly curve: CurveName;
  readonly point: Uint8Array;
}

interface KnownCurve {
  readonly ecdsa: ECDSA;
  readonly bytes: number;
  /** Everything of a SubjectPublicKeyInfo that stands before the uncompressed point (RFC 5480). */
  readonly prefix: Uint8Array;
}

const MAX_KEY_BYTES = 512;
const OCA_PREFIX = "oca:base16:asn1:";
const EC_PUBLIC_KEY = "2a8648ce3d0201";
/** Algorithms of keys that can be read and are not for ECDSA: RSA, RSA-PSS, DSA, Diffie-Hellman, X and Ed curves. */
const OTHER_KEYS = new Set([
  "2a864886f70d010101",
  "2a864886f70d01010a",
  "2a8648ce380401",
  "2a864886f70d010301",
  "2a8648ce3e0201",
  "2b656e",
  "2b656f",
  "2b6570",
  "2b6571",
]);

/** SEC 2, 2.5.2 (also NIST P-192 of FIPS 186-4, D.1.2.1). */
const SECP192R1: WeierstrassOpts<bigint> = {
  p: BigInt("0xfffffffffffffffffffffffffffffffeffffffffffffffff"),
  n: BigInt("0xffffffffffffffffffffffff99def836146bc9b1b4d22831"),
  h: 1n,
  a: BigInt("0xfffffffffffffffffffffffffffffffefffffffffffffffc"),
  b: BigInt("0x64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"),
  Gx: BigInt("0x188da80eb03090f67cbf20eb43a18800f4ff0afd82ff1012"),
  Gy: BigInt("0x07192b95ffc8da78631011ed6b24cdd573f977a11e794811"),
};
/** RFC 5639, 3.4. */
const BRAINPOOL256R1: WeierstrassOpts<bigint> = {
  p: BigInt("0xa9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"),
  n: BigInt("0xa9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
  h: 1n,
  a: BigInt("0x7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"),
  b: BigInt("0x26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
  Gx: BigInt("0x8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262"),
  Gy: BigInt("0x547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"),
};
/** RFC 5639, 3.6. */
const BRAINPOOL384R1: WeierstrassOpts<bigint> = {
  p: BigInt(
    "0x8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
  ),
  n: BigInt(
    "0x8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
  ),
  h: 1n,
  a: BigInt(
    "0x7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826",
  ),
  b: BigInt(
    "0x04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11",
  ),
  Gx: BigInt(
    "0x1d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e",
  ),
  Gy: BigInt(
    "0x8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
  ),
};

const OIDS: Record<CurveName, string> = {
  secp192r1: "2a8648ce3d030101",
  secp256k1: "2b8104000a",
  secp256r1: "2a8648ce3d030107",
  secp384r1: "2b81040022",
  brainpoolP256r1: "2b2403030208010107",
  brainpoolP384r1: "2b240303020801010b",
};

const CURVES: Record<CurveName, KnownCurve> = {
  secp192r1: known("secp192r1", ecdsa(weierstrass(SECP192R1), sha256), 24),
  secp256k1: known("secp256k1", secp256k1, 32),
  secp256r1: known("secp256r1", p256, 32),
  secp384r1: known("secp384r1", p384, 48),
  brainpoolP256r1: known("brainpoolP256r1", ecdsa(weierstrass(BRAINPOOL256R1), sha256), 32),
  brainpoolP384r1: known("brainpoolP384r1", ecdsa(weierstrass(BRAINPOOL384R1), sha384), 48),
};
const NAMES = Object.keys(CURVES) as CurveName[];
const HASHES: Record<HashName, (message: Uint8Array) => Uint8Array> = { SHA256: sha256, SHA384: sha384, SHA512: sha512 };

/** Parse SPKI DER, or a bare point on `curve`; what cannot be used is told by its reason code. */
export function parsePublicKey(data: Uint8Array, curve: CurveName): MeterKey | KeyTrouble {
  if (data.length > MAX_KEY_BYTES) return "bad_key";
  if (data[0] === 0x30 && ![48, 64, 96].includes(data.length)) return parseSpki(data);
  const width = CURVES[curve].bytes;
  const point = data.length === 2 * width ? Uint8Array.of(4, ...data) : data;
  return onCurve(curve, point);
}

/** Whether `signature` (strict DER) is this key's ECDSA over the hash of `message`. */
export function verifies(key: MeterKey, message: Uint8Array, signature: Uint8Array, hash: HashName): boolean {
  const pair = readDerSignature(signature);
  const { ecdsa: scheme, bytes } = CURVES[key.curve];
  if (pair === null || pair.some((part) => part.length > bytes)) return false;
  const compact = new Uint8Array(2 * bytes);
  pair.forEach((part, n) => compact.set(part, (n + 1) * bytes - part.length));
  try {
    return scheme.verify(compact, HASHES[hash](message), key.point, { prehash: false, lowS: false });
  } catch {
    return false; // numbers outside 1 to n - 1
  }
}

/** The two positive integers, big-endian without leading zeros, of a strict DER signature; else null. */
export function readDerSignature(signature: Uint8Array): readonly [Uint8Array, Uint8Array] | null {
  const whole = readTlv(signature, 0);
  if (whole?.tag !== 0x30 || whole.end !== signature.length) return null;
  const r = readTlv(whole.value, 0);
  const s = r === null ? null : readTlv(whole.value, r.end);
  if (r === null || s?.end !== whole.value.length) return null;
  const parts = [r, s].map((part) => (part.tag === 2 ? positive(part.value) : null));
  const [first, second] = parts;
  return first && second ? [first, second] : null;
}

function positive(value: Uint8Array): Uint8Array | null {
  const [first, second] = value;
  if (first === undefined || first >= 0x80 || (first === 0 && (second ?? 0) < 0x80)) return null;
  return first === 0 ? value.subarray(1) : value;
}

/** The bytes of a public key written as text: hex with any white space, base64, PEM, or OCPP's form; else null. */
export function keyBytes(text: string): Uint8Array | null {
  if (text.length > 4 * MAX_KEY_BYTES) return null;
  const pem = /^\s*-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----\s*$/.exec(text)?.[1];
  const compact = (pem ?? text).replace(/\s+/g, "");
  if (compact === "") return null;
  if (pem === undefined && /^[0-9A-Fa-f]+$/.test(compact)) return fromHex(compact);
  const data = fromBase64(compact);
  const ascii = data === null ? null : asciiOf(data);
  return ascii?.startsWith(OCA_PREFIX) ? fromHex(ascii.slice(OCA_PREFIX.length)) : data;
}

function parseSpki(data: Uint8Array): MeterKey | KeyTrouble {
  const name = NAMES.find((candidate) => equal(data.subarray(0, CURVES[candidate].prefix.length), CURVES[candidate].prefix));
  return name === undefined ? whyNot(data) : onCurve(name, data.subarray(CURVES[name].prefix.length));
}

/** Why something that looks like SPKI is no key on a known curve: another curve or kind of key, or no SPKI at all. */
function whyNot(data: Uint8Array): KeyTrouble {
  const whole = readTlv(data, 0);
  if (whole?.tag !== 0x30 || whole.end !== data.length) return "bad_key";
  const algorithm = readTlv(whole.value, 0);
  const bits = algorithm?.tag === 0x30 ? readTlv(whole.value, algorithm.end) : null;
  if (!algorithm || bits?.tag !== 3 || bits.end !== whole.value.length || !isBitString(bits.value)) return "bad_key";
  const kind = readTlv(algorithm.value, 0);
  if (kind?.tag !== 6 || !isOid(kind.value)) return "bad_key";
  const parameters = kind.end === algorithm.value.length ? null : readTlv(algorithm.value, kind.end);
  if (kind.end !== algorithm.value.length && parameters?.end !== algorithm.value.length) return "bad_key";
  const oid = toHex(kind.value);
  if (OTHER_KEYS.has(oid)) return "bad_key";
  if (oid !== EC_PUBLIC_KEY) return "curve_unsupported";
  if (parameters?.tag !== 6 || !isOid(parameters.value)) return "bad_key";
  return Object.values(OIDS).includes(toHex(parameters.value)) ? "bad_key" : "curve_unsupported";
}

function isBitString(value: Uint8Array): boolean {
  const [unused, ...bytes] = value;
  if (unused === undefined || unused > 7) return false;
  const last = bytes.at(-1);
  return last === undefined ? unused === 0 : (last & ((1 << unused) - 1)) === 0;
}

function isOid(value: Uint8Array): boolean {
  if (value.length === 0 || (value[value.length - 1] ?? 0) >= 0x80) return false;
  return value.every((byte, n) => byte !== 0x80 || (n > 0 && (value[n - 1] ?? 0) >= 0x80));
}

function onCurve(curve: CurveName, point: Uint8Array): MeterKey | KeyTrouble {
  const { ecdsa: scheme, bytes } = CURVES[curve];
  if (point.length !== 2 * bytes + 1 || point[0] !== 4) return "bad_key";
  try {
    scheme.Point.fromBytes(point);
  } catch {
    return "bad_key";
  }
  return { curve, point };
}

interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly end: number;
}

/** One DER element at `at`, its length in the fewest bytes; null where there is none. */
function readTlv(data: Uint8Array, at: number): Tlv | null {
  const tag = data[at];
  const first = data[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return null;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const more = first - 0x80;
    if (more < 1 || more > 3 || start + more > data.length || data[start] === 0) return null;
    length = data.subarray(start, start + more).reduce((sum, byte) => sum * 256 + byte, 0);
    start += more;
    if (length < 0x80) return null;
  }
  const end = start + length;
  return end > data.length ? null : { tag, value: data.subarray(start, end), end };
}

function known(name: CurveName, scheme: ECDSA, bytes: number): KnownCurve {
  return { ecdsa: scheme, bytes, prefix: spkiPrefix(OIDS[name], 2 * bytes + 1) };
}

function spkiPrefix(curveOid: string, pointBytes: number): Uint8Array {
  const algorithm = der(0x30, `${der(6, EC_PUBLIC_KEY)}${der(6, curveOid)}`);
  const bits = `03${size(pointBytes + 1)}00`;
  const whole = algorithm + bits;
  return fromHex(`30${size(whole.length / 2 + pointBytes)}${whole}`) ?? new Uint8Array();
}

function der(tag: number, content: string): string {
  return tag.toString(16).padStart(2, "0") + size(content.length / 2) + content;
}

function size(length: number): string {
  return (length < 0x80 ? "" : "81") + length.toString(16).padStart(2, "0");
}
