/** The item: one signed record or unsigned link of a chain, with the boxes of its content (docs/spec/record.md). */

import { sha256, type PublicKey } from "./crypto.js";
import { decode, encode, isBytes, isList, isMap, isText, untag, type Fields, type Int, type Value } from "./dcbor.js";
import { CborError, LimitError } from "./errors.js";
import { parseSign1, signedBy, type Signature } from "./signed.js";

const VERSION = 1;
const MAX_STREAM = 2 ** 16 - 1;
const MAX_COUNTER = Number.MAX_SAFE_INTEGER;
const MAX_REFS = 16;

export const Kind = {
  BOOT: 1,
  HEARTBEAT: 2,
  REQUEST: 3,
  DECISION: 4,
  STARTED: 5,
  READING: 6,
  ENDED: 7,
  TARIFF: 8,
  KEY_CHANGE: 9,
  SETTLEMENT: 10,
  COMMAND: 11,
  CAPACITY_LIMIT: 12,
  FIRMWARE: 13,
  ACCOUNT: 14,
  POSTING: 15,
  RULING: 16,
  INVOICE: 17,
  DISPUTE: 18,
  PAYMENT: 19,
  PERSON: 20,
  ERASURE: 21,
  ALARM: 22,
  WORKS: 23,
} as const;
const KIND_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Kind).map(([name, number]) => [number, name.toLowerCase()]),
);

export function kindName(kind: number): string {
  return KIND_NAMES.get(kind) ?? `kind ${kind}`;
}

/** Content groups, each with its own readers. */
export const Group = { IDENTITY: 1, METER: 2, LOAD: 3, OPS: 4, RAW: 5 } as const;
const GROUP_NAMES = ["identity", "meter", "load", "ops", "raw"];

/** A group as people read it: `meter group`. */
export function groupName(gid: Int): string {
  const name = GROUP_NAMES[Number(gid) - 1];
  return name === undefined ? `group ${gid}` : `${name} group`;
}

/** What a payload says of one group: commitment to its content, hash of its box (null where the box is plain). */
export interface Commitment {
  readonly commitment: Uint8Array;
  readonly boxHash: Uint8Array | null;
}

/** The signed part of a record; `ms` is Unix time in milliseconds. */
export interface Payload {
  readonly kind: number;
  readonly origin: string;
  readonly stream: number;
  readonly epoch: number;
  readonly seq: number;
  readonly prev: Uint8Array;
  readonly ms: number;
  readonly clock: number;
  readonly subject: Uint8Array | null;
  readonly groups: ReadonlyMap<Int, Commitment>;
  readonly refs: readonly Uint8Array[];
  readonly publicFields: Fields;
}

/** A parsed item; `hash` is its payload hash, which the next item's `prev`, refs and openings name. */
export interface Item {
  readonly payload: Payload;
  readonly payloadBytes: Uint8Array;
  readonly signature: Signature | null;
  readonly boxes: Fields;
  readonly hash: Uint8Array;
}

/** A place as people read it: `CPO/CS001 stream 1 epoch 0 seq 3`. */
export function placeText({ origin, stream, epoch, seq }: Payload): string {
  return `${origin} stream ${stream} epoch ${epoch} seq ${seq}`;
}

/** The transparency log's 32-byte entry, null for a link (docs/spec/log.md). */
export function leafEntry(item: Item): Uint8Array | null {
  if (item.signature === null) {
    return null;
  }
  return sha256(encode(["wattseal-leaf-v1", item.signature.protectedHeader, item.payloadBytes, item.signature.bytes]));
}

/** Whether the signature is `key`'s over this payload for the log `logOrigin`. */
export function verifyItem(item: Item, key: PublicKey, logOrigin: string): boolean {
  return item.signature !== null && signedBy(key, item.signature, item.payloadBytes, "wattseal-record-v1", logOrigin);
}

/** Parse and check the shape of one encoded item; `CborError` or `LimitError` with the field in `subject`. */
export function parseItem(data: Uint8Array): Item {
  return itemFrom(decode(data));
}

/** Check the shape of a decoded item. */
export function itemFrom(value: Value): Item {
  const [head, boxes] = isList(value) && value.length === 2 ? value : [];
  if (head === undefined || !isMap(boxes)) {
    throw new CborError("an item is [signed record or link, boxes]", "item");
  }
  const [signature, payloadBytes] = isBytes(head) ? [null, head] : parseSign1(untag(head));
  const payload = parsePayload(payloadBytes);
  for (const [gid, box] of boxes) {
    if (!payload.groups.has(gid)) {
      throw new CborError("a box without a commitment in the payload", `box ${gid}`);
    }
    checkBox(gid, box);
  }
  return { payload, payloadBytes, signature, boxes, hash: sha256(payloadBytes) };
}

function uint(value: Value | undefined, limit: number, name: string): number {
  if (typeof value !== "number" || value < 0 || value > limit) {
    throw new CborError(`${name} is an integer from 0 to ${limit}`, name);
  }
  return value;
}

function hash(value: Value | undefined, name: string): Uint8Array {
  if (!isBytes(value) || value.length !== 32) {
    throw new CborError(`${name} is 32 bytes`, name);
  }
  return value;
}

/** Parse payload bytes; unknown keys below 64 are refused, those from 64 ignored. */
export function parsePayload(data: Uint8Array): Payload {
  const value = decode(data);
  if (!isMap(value) || [1, 2, 3, 4, 5, 6, 7, 8].some((key) => !value.has(key))) {
    throw new CborError("a payload is a map with keys 1 to 8", "payload");
  }
  const unknown = [...value.keys()].find((key) => key < 64 && (key < 1 || key > 12));
  if (unknown !== undefined) {
    throw new CborError(`unknown payload key ${unknown}`, `payload ${unknown}`);
  }
  if (value.get(1) !== VERSION) {
    throw new CborError("only suite 1 is known", "version");
  }
  const [origin, subject, clock] = [value.get(3), value.get(9), value.get(8)];
  if (!isText(origin) || !isOrigin(origin)) {
    throw new CborError("origin is PARTY/STATION of 3 to 64 printable ASCII characters", "origin");
  }
  if (value.has(9) && (!isBytes(subject) || subject.length !== 16)) {
    throw new CborError("subject is 16 bytes", "subject");
  }
  if (!isList(clock) || clock.length !== 2) {
    throw new CborError("time is [ms, clock]", "time");
  }
  return {
    kind: uint(value.get(2), 63, "kind"),
    origin,
    stream: uint(value.get(4), MAX_STREAM, "stream"),
    epoch: uint(value.get(5), MAX_COUNTER, "epoch"),
    seq: uint(value.get(6), MAX_COUNTER, "seq"),
    prev: hash(value.get(7), "prev"),
    ms: uint(clock[0], MAX_COUNTER, "ms"),
    clock: uint(clock[1], 3, "clock"),
    subject: isBytes(subject) ? subject : null,
    groups: value.has(10) ? groups(value.get(10)) : new Map(),
    refs: value.has(11) ? refs(value.get(11)) : [],
    publicFields: value.has(12) ? publicFields(value.get(12)) : new Map(),
  };
}

/** Whether a text is a well-formed origin: PARTY/STATION, 3 to 64 printable ASCII characters. */
export function isOrigin(value: string): boolean {
  const slash = value.indexOf("/");
  return /^[ -~]{3,64}$/.test(value) && slash > 0 && value.length > slash + 1;
}

function groups(value: Value | undefined): ReadonlyMap<Int, Commitment> {
  if (!isMap(value) || value.size === 0) {
    throw new CborError("groups are a non-empty map", "groups");
  }
  const found = new Map<Int, Commitment>();
  for (const [gid, pair] of value) {
    if (gid < 1 || gid > 5 || !isList(pair) || pair.length !== 2) {
      throw new CborError("a group is 1 to 5: [commitment, box hash or null]", `group ${gid}`);
    }
    const boxHash = pair[1] === null ? null : hash(pair[1], "box_hash");
    found.set(gid, { commitment: hash(pair[0], "commitment"), boxHash });
  }
  return found;
}

function refs(value: Value | undefined): Uint8Array[] {
  if (!isList(value) || value.length === 0) {
    throw new CborError("refs are a non-empty list", "refs");
  }
  if (value.length > MAX_REFS) {
    throw new LimitError(`at most ${MAX_REFS} refs`, "refs");
  }
  return value.map((ref) => hash(ref, "refs"));
}

function publicFields(value: Value | undefined): Fields {
  if (!isMap(value) || value.size === 0) {
    throw new CborError("public fields are a non-empty map", "public");
  }
  return value;
}

/** A box in the open: `[0, secret, content]`. */
export function plainBox(box: Value | undefined): readonly [secret: Uint8Array, content: Uint8Array] | null {
  if (!isList(box) || box.length !== 3 || box[0] !== 0 || !isBytes(box[1]) || !isBytes(box[2])) {
    return null;
  }
  return [box[1], box[2]];
}

function checkBox(gid: Int, box: Value): void {
  const wraps = isList(box) && box.length === 2 && isBytes(box[0]) ? box[1] : undefined;
  const sealed = isList(wraps) && wraps.length === 4 && wraps.every((wrap) => isBytes(wrap) && wrap.length === 80);
  if (!isBytes(box) && !sealed && plainBox(box)?.[0].length !== 32) {
    throw new CborError("a box is ciphertext, [ciphertext, 4 wraps] or [0, secret, content]", `box ${gid}`);
  }
}
