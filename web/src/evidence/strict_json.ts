/**
 * JSON from signers, read strictly: one text, one meaning, bounded work (docs/spec/evidence.md).
 *
 * Beyond RFC 8259: no duplicate keys, no NaN or Infinity, no lone surrogates or NUL, numbers exact and short, depth
 * limited before anything is read. `JSON.parse` can do none of that.
 */
import { Decimal } from "../exact/decimal.js";

export type Json = null | boolean | string | Decimal | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

/** Bytes that are no record; `code` is a reason of docs/spec/evidence.md. */
export class Unreadable extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const MAX_DEPTH = 8;
const MAX_NUMBER_CHARACTERS = 32;
const MAX_EXPONENT = 15;
const ESCAPES: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX = /[0-9a-fA-F]{4}/y;
const CONSTANTS = ["NaN", "Infinity", "-Infinity"];

/** Parse `text` as one JSON object. */
export function parseObject(text: string): JsonObject {
  limitDepth(text);
  const reader = new Reader(text);
  const value = reader.whole();
  if (!(value instanceof Map)) throw new Unreadable("bad_json");
  return value;
}

function limitDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (c === '"') at = endOfString(text, at);
    else if (c === "{" || c === "[") {
      depth += 1;
      if (depth > MAX_DEPTH) throw new Unreadable("too_deep");
    } else if (c === "}" || c === "]") depth -= 1;
  }
}

/** Where the string that opens at `at` ends, or the text does. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end;
}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  whole(): Json {
    this.take(SPACE);
    const value = this.value();
    this.take(SPACE);
    if (this.at !== this.text.length) throw new Unreadable("bad_json");
    return value;
  }

  private value(): Json {
    const c = this.text[this.at];
    if (c === "{") return this.object();
    if (c === "[") return this.array();
    if (c === '"') return this.string();
    for (const [word, value] of [["null", null], ["true", true], ["false", false]] as const) {
      if (this.word(word)) return value;
    }
    const digits = this.take(NUMBER);
    if (digits !== "") return number(digits);
    if (CONSTANTS.some((word) => this.word(word))) throw new Unreadable("not_a_number");
    throw new Unreadable("bad_json");
  }

  private object(): JsonObject {
    const pairs: [string, Json][] = [];
    this.at += 1;
    this.take(SPACE);
    if (!this.skip("}")) {
      do {
        this.take(SPACE);
        if (this.text[this.at] !== '"') throw new Unreadable("bad_json");
        const key = this.string();
        this.take(SPACE);
        this.expect(":");
        this.take(SPACE);
        pairs.push([key, this.value()]);
        this.take(SPACE);
      } while (this.skip(","));
      this.expect("}");
    }
    for (const pair of pairs) pair.forEach(clean);
    const found = new Map(pairs);
    if (found.size !== pairs.length) throw new Unreadable("duplicate_key");
    return found;
  }

  private array(): Json[] {
    const items: Json[] = [];
    this.at += 1;
    this.take(SPACE);
    if (this.skip("]")) return items;
    do {
      this.take(SPACE);
      items.push(this.value());
      this.take(SPACE);
    } while (this.skip(","));
    this.expect("]");
    return items;
  }

  private string(): string {
    let found = "";
    this.at += 1;
    for (;;) {
      found += this.take(PLAIN);
      if (this.skip('"')) return found;
      this.expect("\\");
      const c = this.text[this.at] ?? "";
      this.at += 1;
      const plain = ESCAPES[c];
      if (plain !== undefined) found += plain;
      else if (c === "u") found += this.escaped();
      else throw new Unreadable("bad_json");
    }
  }

  private escaped(): string {
    const digits = this.take(HEX);
    if (digits === "") throw new Unreadable("bad_json");
    return String.fromCharCode(parseInt(digits, 16));
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private word(word: string): boolean {
    const found = this.text.startsWith(word, this.at);
    if (found) this.at += word.length;
    return found;
  }

  private skip(c: string): boolean {
    return this.word(c);
  }

  private expect(c: string): void {
    if (!this.word(c)) throw new Unreadable("bad_json");
  }
}

/** Only an escape can bring NUL or half a surrogate pair into decoded UTF-8. */
function clean(value: Json): void {
  if (Array.isArray(value)) value.forEach(clean);
  else if (typeof value === "string" && /[\0\p{Cs}]/u.test(value)) throw new Unreadable("bad_character");
}

function number(digits: string): Decimal {
  if (digits.length > MAX_NUMBER_CHARACTERS) throw new Unreadable("number_too_long");
  const power = /[eE][-+]?0*([0-9]*)$/.exec(digits)?.[1] ?? "";
  if (power.length > 3) throw new Unreadable("number_too_long");
  const value = Decimal.of(digits);
  if (Math.abs(value.exponent) > MAX_EXPONENT) throw new Unreadable("number_too_long");
  return value;
}
