/**
 * Transparency files: `<values><value><signedData/><publicKey/></value></values>`, as drivers get them.
 *
 * A small strict reader: elements, attributes, text, the five entities and numbers. A document type, and so any entity
 * of a file's own, ends the reading. Nothing is fetched. The key in the file is the file's own claim.
 */
import { fromBase64, fromHex, fromUtf8 } from "../evidence/bytes.js";
import { keyBytes } from "../evidence/index.js";
import { InputError } from "../verifier/index.js";

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_VALUES = 10_000;
const MAX_DEPTH = 8;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
]);
const TAG = /<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const SKIPPED = /<\?[^]*?\?>|<!--[^]*?-->/y;
const CDATA = /<!\[CDATA\[([^]*?)\]\]>/y;
const TEXT = /[^<]+/y;

/** One `<value>`: the record's bytes, and the file's key where it can be read as one. */
export interface SignedValue {
  readonly data: Uint8Array;
  readonly key: Uint8Array | null;
}

interface Part {
  text: string;
  readonly encoding: string;
}

/** The values in document order; what is no such file is an `InputError`. */
export function readTransparency(raw: Uint8Array): SignedValue[] {
  if (raw.length > MAX_BYTES) throw new InputError("at most 4 MiB", "too_large", "xml");
  const text = fromUtf8(raw)?.replace(/^\ufeff/, "");
  if (text === undefined) throw new InputError("not UTF-8", "not_utf8", "xml");
  const values: SignedValue[] = [];
  const path: string[] = [];
  let parts = new Map<string, Part>();
  for (const event of events(text)) {
    if (event.kind === "open") {
      path.push(event.name);
      if (path.length > MAX_DEPTH || (path.length === 1 && event.name !== "values")) throw badXml();
      if (path.length === 2) parts = new Map();
      if (path.length === 3) parts.set(event.name, { text: "", encoding: event.encoding });
    } else if (event.kind === "text") {
      const part = path.length === 3 ? parts.get(path[2] ?? "") : undefined;
      if (part !== undefined) part.text += event.text;
      else if (path.length === 0 && event.text.trim() !== "") throw badXml();
    } else {
      if (path.pop() !== event.name) throw badXml();
      if (path.length === 1 && event.name === "value") values.push(valueOf(parts));
      if (values.length > MAX_VALUES) throw new InputError("more than 10000 values", "too_large", "xml");
    }
  }
  if (path.length > 0 || values.length === 0) throw badXml();
  return values;
}

type Event =
  | { readonly kind: "open"; readonly name: string; readonly encoding: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "close"; readonly name: string };

function* events(text: string): Generator<Event> {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    at += match?.[0].length ?? 0;
    return match;
  };
  while (at < text.length) {
    const plain = take(TEXT);
    if (plain !== null) {
      yield { kind: "text", text: unescaped(plain[0]) };
      continue;
    }
    if (take(SKIPPED) !== null) continue;
    const data = take(CDATA);
    if (data !== null) {
      yield { kind: "text", text: data[1] ?? "" };
      continue;
    }
    const tag = take(TAG);
    if (tag === null) throw badXml();
    const [, closes, name = "", attributes = "", alone] = tag;
    if (closes === "") yield { kind: "open", name, encoding: /\sencoding\s*=\s*["']([^"']*)["']/.exec(attributes)?.[1] ?? "" };
    if (closes !== "" || alone !== "") yield { kind: "close", name };
  }
}

function unescaped(text: string): string {
  return text.replace(/&([^;]*;?)/g, (_, name: string) => {
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(name);
    const code = number === null ? NaN : parseInt(number[1] ?? number[2] ?? "", number[1] === undefined ? 10 : 16);
    const found = number === null ? ENTITIES.get(name.slice(0, -1)) : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
    if (found === undefined || !name.endsWith(";")) throw badXml();
    return found;
  });
}

function valueOf(parts: ReadonlyMap<string, Part>): SignedValue {
  const signed = parts.get("signedData");
  const key = parts.get("publicKey");
  const data = signed === undefined ? null : dataOf(signed.text, signed.encoding.toLowerCase());
  if (data === null) throw new InputError("a value without data", "no_data", "xml");
  return { data, key: key === undefined ? null : keyBytes(key.text) };
}

function dataOf(text: string, encoding: string): Uint8Array | null {
  if (encoding === "hex") return fromHex(text);
  if (encoding === "base64") return fromBase64(text.replace(/\s+/g, ""));
  return text.trim() === "" ? null : new TextEncoder().encode(text);
}

function badXml(): InputError {
  return new InputError("no transparency file", "bad_xml", "xml");
}
