/** Byte strings and the texts made of them. */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** The text of UTF-8 bytes; a `TypeError` where they are none. */
export function text(data: Uint8Array): string {
  return DECODER.decode(data);
}

export function hex(data: Uint8Array): string {
  let digits = "";
  for (const byte of data) {
    digits += byte.toString(16).padStart(2, "0");
  }
  return digits;
}

/** The bytes of a text of hexadecimal digits, undefined where it is none. */
export function fromHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) {
    return undefined;
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return join(parts);
}

export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Below zero, zero or above: the order of bytes, a beginning before the whole. */
export function compare(one: Uint8Array, other: Uint8Array): number {
  const size = Math.min(one.length, other.length);
  for (let at = 0; at < size; at += 1) {
    const apart = (one[at] ?? 0) - (other[at] ?? 0);
    if (apart !== 0) {
      return apart;
    }
  }
  return one.length - other.length;
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && compare(one, other) === 0;
}

export function startsWith(data: Uint8Array, beginning: Uint8Array): boolean {
  return data.length >= beginning.length && same(data.subarray(0, beginning.length), beginning);
}

/** An unsigned number, most significant byte first. */
export function bigEndian(data: Uint8Array): bigint {
  let value = 0n;
  for (const byte of data) {
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

export function base64(data: Uint8Array): string {
  let binary = "";
  for (const byte of data) {
    binary += String.fromCharCode(byte);
  }
  return btoa(binary);
}

/** The bytes of standard base64 with padding in its one spelling, undefined for anything else. */
export function fromBase64(encoded: string): Uint8Array | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
    return undefined;
  }
  const data = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  return base64(data) === encoded ? data : undefined;
}
