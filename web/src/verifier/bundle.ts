/** The bundle's bytes (`.wsb`): one deterministic CBOR map, every list in its one order (docs/spec/bundle.md). */

import { compare } from "./bytes.js";
import { decode, encode, isBytes, isInt, isList, isMap, type Fields, type Int, type Value } from "./dcbor.js";
import { CborError, LimitError } from "./errors.js";
import type { Opening } from "./groups.js";
import { itemFrom, type Item } from "./item.js";
import { parseStatement, statementFrom, type Statement } from "./signed.js";

const MAGIC = "wsb1";
const MAX_BUNDLE_BYTES = 16 * 1024 * 1024;
const MAX_ITEMS = 20_000;
const MAX_OTHERS = 64;
const MAX_ENTRIES = 256;

/** One transaction's stretch of chain with its proofs, parsed and not verified. */
export interface Bundle {
  readonly items: readonly Item[];
  readonly openings: readonly Opening[];
  readonly entries: readonly Statement[];
  readonly proofs: readonly Uint8Array[];
  /** The signed records that the chain's refer to: request, decision, tariff, settlement. */
  readonly others: readonly Item[];
  readonly cdr: Value;
  readonly priceTrace: Value;
  readonly receipts: readonly Statement[];
}

/** Parse bundle bytes; `CborError` or `LimitError` name the field and list index. */
export function parseBundle(data: Uint8Array): Bundle {
  if (data.length > MAX_BUNDLE_BYTES) {
    throw new LimitError(`a bundle has at most ${MAX_BUNDLE_BYTES} bytes`, "size");
  }
  const value = decode(data, MAX_BUNDLE_BYTES);
  if (!isMap(value) || value.get(0) !== MAGIC) {
    throw new CborError(`a bundle is a map that starts with ${MAGIC}`, "bundle");
  }
  if ([1, 2, 3, 4].some((number) => !value.has(number)) || [...value.keys()].some((number) => number > 8)) {
    throw new CborError("a bundle has fields 0 to 4 and at most 5 to 8", "bundle");
  }
  const items = each(value, 1, MAX_ITEMS, itemFrom);
  if (items.length === 0) {
    throw new CborError("a bundle holds at least one record", "items");
  }
  const openings = each(value, 2, MAX_ITEMS * 5, openingFrom);
  const others = each(value, 5, MAX_OTHERS, itemFrom);
  inOrder("openings", openings, (one, other) => compare(one.payloadHash, other.payloadHash) || order(one.gid, other.gid));
  inOrder("others", others, (one, other) => compare(one.hash, other.hash));
  const entries = each(value, 3, MAX_ENTRIES, (entry) => parseStatement(encode(entry)));
  const receipts = each(value, 8, MAX_ITEMS, statementFrom);
  inOrder("entries", encoded(value.get(3)), compare);
  inOrder("receipts", encoded(value.get(8)), compare);
  const proofs = each(value, 4, MAX_ITEMS, proofFrom);
  const [cdr, priceTrace] = [value.get(6) ?? null, value.get(7) ?? null];
  return { items, openings, entries, proofs, others, cdr, priceTrace, receipts };
}

function each<T>(value: Fields, number: number, limit: number, parse: (element: Value) => T): T[] {
  if (!value.has(number)) {
    return [];
  }
  const elements = value.get(number);
  if (!isList(elements)) {
    throw new CborError(`bundle field ${number} is a list`, `bundle ${number}`);
  }
  if (elements.length > limit) {
    throw new LimitError(`bundle field ${number} has at most ${limit} elements`, `bundle ${number}`);
  }
  return elements.map((element, index) => {
    try {
      return parse(element);
    } catch (error) {
      if (error instanceof CborError) {
        throw new CborError(error.message, `bundle ${number}[${index}] ${error.subject}`, error.code);
      }
      throw error;
    }
  });
}

/** Read an opening: `[payload hash, group, secret, content]`. */
export function openingFrom(value: Value): Opening {
  const [payloadHash, gid, secret, content] = isList(value) && value.length === 4 ? value : [];
  if (!isBytes(payloadHash) || !isInt(gid) || !isBytes(secret) || !isBytes(content) || payloadHash.length !== 32) {
    throw new CborError("an opening is [payload hash, group, secret, content]", "opening");
  }
  return { payloadHash, gid, secret, content };
}

function proofFrom(value: Value): Uint8Array {
  if (!isBytes(value)) {
    throw new CborError("a proof is a byte string", "proof");
  }
  return value;
}

function encoded(value: Value | undefined): Uint8Array[] {
  return isList(value) ? value.map(encode) : [];
}

function order(one: Int, other: Int): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function inOrder<T>(name: string, elements: readonly T[], compared: (one: T, other: T) => number): void {
  elements.slice(1).forEach((element, at) => {
    const before = elements[at];
    if (before !== undefined && compared(before, element) >= 0) {
      throw new CborError(`${name} are in ascending order, each once`, name);
    }
  });
}
