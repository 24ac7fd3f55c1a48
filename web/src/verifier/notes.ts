/** Signed notes and checkpoints in C2SP formats (signed-note, tlog-checkpoint), strictly read. */

import { bigEndian, concat, fromBase64, hex, same, text as decoded, utf8 } from "./bytes.js";
import { isEd25519Key, sha256, verifiesEd25519 } from "./crypto.js";
import { InputError, LimitError } from "./errors.js";

export const MAX_NOTE = 256 * 1024;
const MAX_SIGNATURES = 64;
const MAX_SIZE = 2n ** 63n - 1n;
const MAX_VKEY = 4096;
const DASH = "— ";
const TIMESTAMP_SIZE = 8;
/** Signature types of signed-note that are checked: a log's, a witness's. */
const LOG = 0x01;
const WITNESS = 0x04;
/** What Python and Unicode call space, plus, and control characters. */
const NOT_IN_A_NAME = /[\u0000-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000+]/;

/** The bytes of canonical standard base64; any other spelling is an `InputError`. */
export function decodeBase64(encoded: string, what: string): Uint8Array {
  const data = fromBase64(encoded);
  if (data === undefined) {
    throw new InputError(`${what} is not canonical base64`, "bad_base64", what);
  }
  return data;
}

/** The 32 bytes of a base64 hash line. */
export function decodeHash(encoded: string, what: string): Uint8Array {
  const data = decodeBase64(encoded, what);
  if (data.length !== 32) {
    throw new InputError(`${what} is ${data.length} bytes long, not 32`, "bad_hash", what);
  }
  return data;
}

/** An ASCII decimal 0..2^63-1 without sign or leading zeros. */
export function decodeDecimal(digits: string, what: string): bigint {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(digits)) {
    throw new InputError(`${what} is not a plain decimal`, "bad_decimal", what);
  }
  const value = BigInt(digits);
  if (value > MAX_SIZE) {
    throw new InputError(`${what} is above 2**63-1`, "bad_decimal", what);
  }
  return value;
}

function shortened(line: string): string {
  return [...line.slice(0, 160)].slice(0, 80).join("");
}

function checkKeyName(name: string): string {
  if (name === "" || NOT_IN_A_NAME.test(name)) {
    throw new InputError("a key name must not be empty or hold spaces or plus", "bad_key_name", shortened(name));
  }
  return name;
}

/** The text of a note: UTF-8 without control characters other than newline; anything else is an `InputError`. */
export function noteText(data: Uint8Array): string {
  let found: string;
  try {
    found = decoded(data);
  } catch {
    throw new InputError("a note is UTF-8 text", "bad_note", "note");
  }
  if (/[\u0000-\u0009\u000b-\u001f]/.test(found)) {
    throw new InputError("a note holds no control characters", "bad_note", "note");
  }
  return found;
}

/** A public key of a log or witness (a vkey); name and id select it in a note. */
export interface VerifierKey {
  readonly name: string;
  readonly kind: number;
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
}

/** Read a vkey, `NAME+ID+KEY`; a wrong id, an unsupported type or a weak key is an `InputError`. */
export function parseVkey(vkey: string): VerifierKey {
  const [name, id, ...rest] = vkey.split("+");
  if (name === undefined || id === undefined || rest.length === 0 || [...vkey].length > MAX_VKEY) {
    throw new InputError("a vkey is NAME+ID+KEY", "bad_vkey", shortened(vkey));
  }
  const data = decodeBase64(rest.join("+"), "key");
  const kind = data[0];
  if (kind !== LOG && kind !== WITNESS) {
    throw new InputError("unsupported signature type", "unsupported_signature_type", name);
  }
  const publicKey = data.slice(1);
  checkKeyName(name);
  if (!isEd25519Key(publicKey)) {
    throw new InputError("not an Ed25519 public key", "bad_vkey", name);
  }
  const keyId = sha256(concat(utf8(name), Uint8Array.of(0x0a, kind), publicKey)).slice(0, 4);
  if (hex(keyId) !== id) {
    throw new InputError(`the id ${id} is not this key's`, "bad_vkey", name);
  }
  return { name, kind, publicKey, keyId };
}

export function sameVkey(one: VerifierKey, other: VerifierKey): boolean {
  return one.name === other.name && one.kind === other.kind && same(one.publicKey, other.publicKey);
}

/** One signature line: who claims to have signed, and the signature after the key id. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A parsed note; `text` ends in a newline and is what the signatures are over. */
export interface Note {
  readonly text: Uint8Array;
  readonly signatures: readonly NoteSignature[];
}

/** Read a note; anything signed-note does not allow is an `InputError`, more than the limits a `LimitError`. */
export function parseNote(data: Uint8Array): Note {
  if (data.length > MAX_NOTE) {
    throw new LimitError(`a note has at most ${MAX_NOTE} bytes`, "note");
  }
  const whole = noteText(data);
  const split = whole.lastIndexOf("\n\n");
  if (split < 0 || !whole.endsWith("\n") || split + 2 === whole.length) {
    throw new InputError("a note is text, a blank line and signature lines", "bad_note", "note");
  }
  const lines = whole.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) {
    throw new LimitError(`a note has at most ${MAX_SIGNATURES} signatures`, "note");
  }
  return { text: utf8(whole.slice(0, split + 1)), signatures: lines.map(parseLine) };
}

function parseLine(line: string): NoteSignature {
  if (!line.startsWith(DASH)) {
    throw new InputError("a signature line starts with an em dash and a space", "bad_note", shortened(line));
  }
  const [name = "", ...rest] = line.slice(DASH.length).split(" ");
  const data = decodeBase64(rest.join(" "), "signature");
  if (data.length < 5) {
    throw new InputError("a signature is longer than its key id", "bad_note", shortened(name));
  }
  return { name: checkKeyName(name), keyId: data.slice(0, 4), signature: data.slice(4) };
}

/** What the known keys say of a note: each verified line with its key, one a key, and whether one of theirs fails. */
export interface NoteChecked {
  readonly good: readonly (readonly [VerifierKey, NoteSignature])[];
  readonly failed: boolean;
}

/** Verify every line that claims to be by one of `keys`; lines of others say nothing. */
export function checkNote(note: Note, keys: readonly VerifierKey[]): NoteChecked {
  const good: (readonly [VerifierKey, NoteSignature])[] = [];
  let failed = false;
  for (const line of note.signatures) {
    const key = keys.findLast((known) => known.name === line.name && same(known.keyId, line.keyId));
    if (key === undefined) {
      continue;
    }
    if (!signedNote(key, note.text, line.signature)) {
      failed = true;
    } else if (!good.some(([known]) => sameVkey(known, key))) {
      good.push([key, line]);
    }
  }
  return { good, failed };
}

function signedNote(key: VerifierKey, text: Uint8Array, signature: Uint8Array): boolean {
  if (key.kind === LOG) {
    return verifiesEd25519(key.publicKey, text, signature);
  }
  const timeS = cosignedAtS(signature);
  const message = concat(utf8(`cosignature/v1\ntime ${timeS}\n`), text);
  return timeS <= MAX_SIZE && verifiesEd25519(key.publicKey, message, signature.subarray(TIMESTAMP_SIZE));
}

/** The time a cosignature states, in Unix seconds. */
export function cosignedAtS(signature: Uint8Array): bigint {
  return bigEndian(signature.subarray(0, TIMESTAMP_SIZE));
}

export const isWitness = (key: VerifierKey): boolean => key.kind === WITNESS;

/** A log's size and root hash under its origin, and the note that carries it; parsed, not verified. */
export interface SignedCheckpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly note: Note;
}

/** Read a signed checkpoint: a note text of at least three non-empty lines. */
export function parseCheckpoint(data: Uint8Array): SignedCheckpoint {
  const note = parseNote(data);
  const lines = noteText(note.text).split("\n");
  const end = lines.pop();
  const [origin, size, root] = lines;
  if (end !== "" || origin === undefined || size === undefined || root === undefined || lines.includes("")) {
    throw new InputError("a checkpoint has three or more non-empty lines", "bad_checkpoint", "lines");
  }
  return { origin, size: decodeDecimal(size, "tree size"), root: decodeHash(root, "root hash"), note };
}
