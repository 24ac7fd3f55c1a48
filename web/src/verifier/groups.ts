/** Groups: content committed to in the payload (docs/spec/record.md, "Groups"). Sealed boxes stay closed here. */

import { same } from "./bytes.js";
import { sha256 } from "./crypto.js";
import { decode, encode, isList, isMap, isText, type Fields, type Int } from "./dcbor.js";
import { CborError } from "./errors.js";
import { plainBox, type Item, type Payload } from "./item.js";

const MAX_CONTENT_BYTES = 48 * 1024;

/** What a group holds: `readers` (party ids) and `fields` by number. */
export interface Content {
  readonly readers: readonly string[];
  readonly fields: Fields;
}

/** All a stranger needs to read one group of one record: bundle field 2. */
export interface Opening {
  readonly payloadHash: Uint8Array;
  readonly gid: Int;
  readonly secret: Uint8Array;
  readonly content: Uint8Array;
}

/** Parse content bytes; `CborError` names the field. */
export function decodeContent(data: Uint8Array): Content {
  const value = decode(data, MAX_CONTENT_BYTES);
  const [readers, fields] = isMap(value) && value.size === 2 ? [value.get(1), value.get(2)] : [];
  if (!isList(readers) || !isMap(fields) || !readers.every(isText)) {
    throw new CborError("content is {1: [readers], 2: fields}", "content");
  }
  return { readers, fields };
}

/** The commitment: SHA-256 over place, box secret and content. */
function commit({ origin, stream, epoch, seq }: Payload, gid: Int, secret: Uint8Array, content: Uint8Array): Uint8Array {
  const context = encode(["wattseal-ctx-v1", origin, stream, epoch, seq, gid]);
  return sha256(encode(["wattseal-commit-v1", context, secret, content]));
}

/** Whether an opening shows the content that `payload` committed to. */
export function checkOpening(payload: Payload, opening: Opening): boolean {
  const group = payload.groups.get(opening.gid);
  if (group === undefined || opening.secret.length !== 32) {
    return false;
  }
  return same(commit(payload, opening.gid, opening.secret, opening.content), group.commitment);
}

/** The opening of a plain box, null for one that is sealed and unaltered, or else a code: it was altered on the way. */
export function openPlain(item: Item, gid: Int): Opening | null | "box_altered_in_transit" {
  const [box, group] = [item.boxes.get(gid), item.payload.groups.get(gid)];
  const plain = plainBox(box);
  if (box === undefined || group === undefined || (plain !== null) !== (group.boxHash === null)) {
    return "box_altered_in_transit";
  }
  if (plain === null || group.boxHash !== null) {
    return group.boxHash !== null && same(sha256(encode(box)), group.boxHash) ? null : "box_altered_in_transit";
  }
  const [secret, content] = plain;
  const opening = { payloadHash: item.hash, gid, secret, content };
  return checkOpening(item.payload, opening) ? opening : "box_altered_in_transit";
}
