/**
 * Deterministic CBOR, the subset records use (RFC 8949, 4.2.1; docs/spec/record.md, "Encoding"). The decoder knows one
 * spelling of every value and refuses any other as it reads: what is accepted encodes to the same bytes again.
 */

import { bigEndian, join, text, utf8 } from "./bytes.js";
import { CborError, LimitError } from "./errors.js";

export const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 16;

/** A number where it is exact as one (up to 2^53 - 1), else a bigint. */
export type Int = number | bigint;
export type Fields = ReadonlyMap<Int, Value>;
export type Value = Int | Uint8Array | string | null | boolean | readonly Value[] | Fields | Tagged;

/** The value under tag 18 (COSE_Sign1), the one tag there is. */
export class Tagged {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

export const isInt = (value: Value | undefined): value is Int => typeof value === "number" || typeof value === "bigint";
export const isBytes = (value: Value | undefined): value is Uint8Array => value instanceof Uint8Array;
export const isText = (value: Value | undefined): value is string => typeof value === "string";
export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);
export const isMap = (value: Value | undefined): value is Fields => value instanceof Map;

/** The list inside tag 18; anything else is a `CborError`. */
export function untag(value: Value): readonly Value[] {
  if (!(value instanceof Tagged) || !isList(value.value)) {
    throw new CborError("expected a COSE_Sign1 under tag 18", "sign1");
  }
  return value.value;
}

function exact(value: bigint): Int {
  const narrow = Number(value);
  return Number.isSafeInteger(narrow) ? narrow : value;
}

/** Decode exactly one value; anything not in the one allowed spelling is a `CborError` or `LimitError`. */
export function decode(data: Uint8Array, maxBytes = MAX_BYTES): Value {
  if (data.length > maxBytes) {
    throw new LimitError(`CBOR value of ${data.length} bytes, at most ${maxBytes} are read`, "size");
  }
  const reader = new Reader(data);
  const value = reader.read(MAX_DEPTH);
  if (reader.at !== data.length) {
    throw new CborError("trailing bytes, or fewer than announced", "cbor");
  }
  return value;
}

class Reader {
  at = 0;
  readonly #data: Uint8Array;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** Read the value that starts here; `depth` is how many levels may lie inside it. */
  read(depth: number): Value {
    const first = this.#byte();
    const argument = this.#argument(first & 0x1f);
    switch (first >> 5) {
      case 0:
        return argument;
      case 1:
        return exact(-1n - BigInt(argument));
      case 2:
        return this.#slice(argument);
      case 3:
        return this.#text(argument);
      case 4:
        return this.#list(argument, depth);
      case 5:
        return this.#map(argument, depth);
      default:
        return this.#other(first, depth);
    }
  }

  #byte(): number {
    const byte = this.#data[this.at];
    if (byte === undefined) {
      throw new CborError("fewer bytes than announced", "cbor");
    }
    this.at += 1;
    return byte;
  }

  #argument(info: number): Int {
    if (info < 24) {
      return info;
    }
    if (info > 27) {
      throw new CborError("no indefinite lengths (RFC 8949, 4.2.1)", "cbor");
    }
    const width = 1 << (info - 24);
    const value = bigEndian(this.#data.subarray(this.at, this.at + width));
    this.at += width;
    if (info === 24 ? value < 24n : value >> BigInt(4 * width) === 0n) {
      throw new CborError("not in deterministic encoding (RFC 8949, 4.2.1)", "cbor");
    }
    return exact(value);
  }

  /** Fewer bytes where the data end before: the end is then beyond them, which `decode` notices. */
  #slice(size: Int): Uint8Array {
    const start = this.at;
    this.at += Number(size);
    return this.#data.slice(start, this.at);
  }

  #text(size: Int): string {
    try {
      return text(this.#slice(size));
    } catch {
      throw new CborError("not UTF-8 text", "cbor");
    }
  }

  #list(size: Int, depth: number): Value[] {
    const inner = descend(size, depth);
    const values: Value[] = [];
    for (let count = 0; count < size; count += 1) {
      values.push(this.read(inner));
    }
    return values;
  }

  #map(size: Int, depth: number): Fields {
    const inner = descend(size, depth);
    const values = new Map<Int, Value>();
    let before: Int = -1;
    for (let count = 0; count < size; count += 1) {
      const first = this.#byte();
      if (first > 27) {
        throw new CborError("map keys are unsigned integers", "key");
      }
      const key = this.#argument(first);
      if (key <= before) {
        throw new CborError("map keys ascend, each once", "key");
      }
      before = key;
      values.set(key, this.read(inner));
    }
    return values;
  }

  #other(first: number, depth: number): Value {
    switch (first) {
      case 0xf6:
        return null;
      case 0xf5:
        return true;
      case 0xf4:
        return false;
      case 0xd2:
        return new Tagged(this.read(descend(1, depth)));
      default:
        if (first >> 5 === 6) {
          throw new CborError("CBOR tag not allowed here", "tag");
        }
        throw new CborError("floats and simple values have no place in a record", "type");
    }
  }
}

function descend(size: Int, depth: number): number {
  if (depth === 0 && size > 0) {
    throw new CborError(`nested deeper than ${MAX_DEPTH} levels`, "cbor");
  }
  return depth - 1;
}

/** Encode a value; what was decoded gives the bytes it was decoded from. */
export function encode(value: Value): Uint8Array {
  const parts: Uint8Array[] = [];
  put(value, parts);
  return join(parts);
}

function put(value: Value, parts: Uint8Array[]): void {
  if (isInt(value)) {
    parts.push(value >= 0 ? head(0x00, value) : head(0x20, exact(-1n - BigInt(value))));
  } else if (isBytes(value)) {
    parts.push(head(0x40, value.length), value);
  } else if (isText(value)) {
    const data = utf8(value);
    parts.push(head(0x60, data.length), data);
  } else if (isList(value)) {
    parts.push(head(0x80, value.length));
    value.forEach((element) => put(element, parts));
  } else if (isMap(value)) {
    parts.push(head(0xa0, value.size));
    for (const [key, inner] of [...value].sort(([one], [other]) => (one < other ? -1 : 1))) {
      parts.push(head(0x00, key));
      put(inner, parts);
    }
  } else if (value instanceof Tagged) {
    parts.push(Uint8Array.of(0xd2));
    put(value.value, parts);
  } else {
    parts.push(Uint8Array.of(value === null ? 0xf6 : value ? 0xf5 : 0xf4));
  }
}

function head(major: number, argument: Int): Uint8Array {
  if (argument < 24) {
    return Uint8Array.of(major | Number(argument));
  }
  const width = argument < 0x100 ? 1 : argument < 0x10000 ? 2 : argument < 0x100000000 ? 4 : 8;
  const bytes = new Uint8Array(1 + width);
  bytes[0] = major | (24 + Math.log2(width));
  let rest = BigInt(argument);
  for (let at = width; at > 0; at -= 1) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}
