/** Bytes and the texts they are written as, read strictly: what is not exactly that text is null. */

export function equal(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, n) => byte === second[n]);
}

/** Pairs of hex digits, with ASCII white space between pairs. */
export function fromHex(text: string): Uint8Array | null {
  const found: number[] = [];
  for (let at = 0; at < text.length; ) {
    if (/[ \t\n\r\v\f]/.test(text.charAt(at))) {
      at += 1;
      continue;
    }
    const pair = text.slice(at, at + 2);
    if (!/^[0-9A-Fa-f]{2}$/.test(pair)) return null;
    found.push(parseInt(pair, 16));
    at += 2;
  }
  return Uint8Array.from(found);
}

export function toHex(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Base64 of RFC 4648, section 4: padded, nothing else in between or behind. */
export function fromBase64(text: string): Uint8Array | null {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** The text that bytes of ASCII are, else null. */
export function asciiOf(data: Uint8Array): string | null {
  return data.every((byte) => byte < 0x80) ? String.fromCharCode(...data) : null;
}

/** Strict UTF-8, a byte order mark kept; else null. */
export function fromUtf8(data: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}
