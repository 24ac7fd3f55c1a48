/**
 * OCMF 1.x records, parsed: `OCMF|payload|signature` (Open Charge Metering Format 1.4).
 *
 * The payload bytes are kept exactly as sent, for they are what is signed. The pipe occurs nowhere else, so that every
 * reader splits a record alike. A field of the wrong type is a finding, unless nothing can be read without it.
 */
import { Decimal } from "../exact/decimal.js";
import { asciiOf, fromUtf8 } from "./bytes.js";
import { shown, type Clock, type Finding, type SignedTime } from "./format.js";
import { parseObject, Unreadable, type Json, type JsonObject } from "./strict_json.js";
import { parseTime } from "./ocmf_time.js";

const MAX_BYTES = 65_536;
const MAX_READINGS = 1000;
const MAX_ENERGY = new Decimal(1n, 15);
const PIPE = 0x7c;
const CLOCKS: ReadonlyMap<string, Clock> = new Map([
  ["U", "UNKNOWN"],
  ["I", "INFORMATIVE"],
  ["S", "SYNCHRONISED"],
  ["R", "RELATIVE"],
]);
const TEXT_FIELDS = {
  FV: "formatVersion",
  GI: "gateway",
  GS: "gatewaySerial",
  GV: "gatewayVersion",
  MV: "meterVendor",
  MM: "meterModel",
  MS: "meterSerial",
  MF: "meterFirmware",
  IL: "identityLevel",
  IT: "identityType",
  ID: "identity",
  TT: "tariffText",
  CF: "controllerFirmware",
  CT: "chargePointType",
  CI: "chargePoint",
} as const;
const READING_TEXTS = {
  TX: "reason",
  RI: "register",
  RU: "unit",
  RT: "current",
  EF: "errors",
  ST: "status",
} as const;

/** Pagination (PG, table 2): a counter per context, T of transactions or F fiscal. */
export interface Page {
  readonly context: string;
  readonly number: bigint;
}

type ReadingTexts = Record<(typeof READING_TEXTS)[keyof typeof READING_TEXTS], string>;

/** One element of RD with what it inherits from the one before; "" where a text is not stated. */
export interface OcmfReading extends ReadingTexts {
  readonly at: SignedTime | null;
  readonly clock: Clock | null;
  readonly value: Decimal | null;
}

/** The signature section (table 8) with its defaults filled in; `data` still encoded. */
export interface OcmfSignature {
  readonly data: string;
  readonly algorithm: string;
  readonly encoding: string;
  readonly mime: string;
}

type RecordTexts = Record<(typeof TEXT_FIELDS)[keyof typeof TEXT_FIELDS], string>;

/** A parsed record; `payload` are the signed bytes, `notes` findings of reading it. */
export interface OcmfRecord extends RecordTexts {
  readonly payload: Uint8Array;
  readonly signature: OcmfSignature;
  readonly readings: readonly OcmfReading[];
  readonly page: Page | null;
  readonly notes: readonly Finding[];
  readonly identified: boolean | null;
}

/** Whether `raw` starts like an OCMF record. */
export function looksLikeOcmf(raw: Uint8Array): boolean {
  const start = raw.findIndex((byte) => !isSpace(byte));
  return start >= 0 && asciiOf(raw.subarray(start, start + 5)) === "OCMF|";
}

/** Parse one record; white space around the whole is ignored. What is not OCMF throws `Unreadable`. */
export function parse(raw: Uint8Array): OcmfRecord {
  if (raw.length > MAX_BYTES) throw new Unreadable("too_large");
  const sections = split(stripped(raw));
  const [header, payload, signature] = sections;
  if (sections.length !== 3 || !header || !payload || !signature || asciiOf(header) !== "OCMF") {
    throw new Unreadable("not_ocmf");
  }
  const [fields, stated] = [fromUtf8(payload), fromUtf8(signature)];
  if (fields === null || stated === null) throw new Unreadable("not_utf8");
  return record(payload, parseObject(fields), parseObject(stated));
}

function record(payload: Uint8Array, fields: JsonObject, stated: JsonObject): OcmfRecord {
  const notes: Finding[] = [];
  const texts = {} as RecordTexts;
  for (const [key, name] of Object.entries(TEXT_FIELDS)) texts[name] = text(fields, key, notes);
  let identified = fields.get("IS") ?? null;
  if (identified !== null && typeof identified !== "boolean") {
    notes.push(finding("field_type", "IS"));
    identified = null;
  }
  const flags = fields.has("IF") ? fields.get("IF") : [];
  if (!Array.isArray(flags) || !flags.every((flag) => typeof flag === "string")) {
    notes.push(finding("field_type", "IF"));
  }
  if (fields.has("LC")) notes.push(finding("loss_compensated", "LC"));
  const signature = signatureOf(stated);
  const page = pageOf(fields, notes);
  const readings = readingsOf(fields, notes);
  return { ...texts, payload, signature, page, readings, identified, notes };
}

function signatureOf(fields: JsonObject): OcmfSignature {
  const of = (key: string, otherwise: string): string => {
    const value = fields.has(key) ? fields.get(key) : otherwise;
    if (typeof value !== "string") throw new Unreadable("field_type");
    return value;
  };
  return {
    data: of("SD", ""),
    algorithm: of("SA", "ECDSA-secp256r1-SHA256"),
    encoding: of("SE", "hex"),
    mime: of("SM", "application/x-der"),
  };
}

function text(fields: JsonObject, key: string, notes: Finding[]): string {
  const value = fields.has(key) ? fields.get(key) : "";
  if (typeof value === "string") return value;
  notes.push(finding("field_type", key));
  return "";
}

function pageOf(fields: JsonObject, notes: Finding[]): Page | null {
  if (!fields.has("PG")) {
    notes.push(finding("page_missing", "PG"));
    return null;
  }
  const written = text(fields, "PG", notes);
  const match = /^([TF])(0|[1-9][0-9]{0,17})$/.exec(written);
  if (match === null) {
    notes.push(finding("page_malformed", "PG", shown(written)));
    return null;
  }
  const [, context = "", number = "0"] = match;
  return { context, number: BigInt(number) };
}

function readingsOf(fields: JsonObject, notes: Finding[]): OcmfReading[] {
  const elements = fields.has("RD") ? fields.get("RD") : [];
  if (!Array.isArray(elements)) throw new Unreadable("field_type");
  const objects = elements.filter((element) => element instanceof Map);
  if (objects.length !== elements.length) throw new Unreadable("field_type");
  if (elements.length > MAX_READINGS) throw new Unreadable("too_large");
  const readings: OcmfReading[] = [];
  let before = NOTHING;
  objects.forEach((element, index) => {
    before = readingOf(element, `RD[${index}]`, before, notes);
    readings.push(before);
  });
  return readings;
}

const NOTHING: OcmfReading = {
  reason: "",
  register: "",
  unit: "",
  current: "",
  errors: "",
  status: "",
  at: null,
  clock: null,
  value: null,
};

/** Read one element; what is absent is inherited, but for RV and CL, which belong to one reading only. */
function readingOf(element: JsonObject, place: string, before: OcmfReading, notes: Finding[]): OcmfReading {
  const texts = {} as ReadingTexts;
  for (const [key, name] of Object.entries(READING_TEXTS)) {
    const value = element.has(key) ? element.get(key) : before[name];
    if (typeof value !== "string") notes.push(finding("field_type", `${place}.${key}`));
    texts[name] = typeof value === "string" ? value : "";
  }
  let { at, clock } = before;
  if (element.has("TM")) [at, clock] = timeOf(element.get("TM"), `${place}.TM`, notes);
  else if (at === null && clock === null) notes.push(finding("time_malformed", `${place}.TM`));
  let value: Decimal | null = null;
  if (element.has("RV")) value = valueOf(element.get("RV"), `${place}.RV`, notes);
  else notes.push(finding("value_missing", `${place}.RV`));
  if (element.has("CL")) valueOf(element.get("CL"), `${place}.CL`, notes);
  return { ...texts, at, clock, value };
}

function timeOf(value: Json | undefined, place: string, notes: Finding[]): [SignedTime | null, Clock | null] {
  const found = typeof value === "string" ? parseTime(value) : null;
  if (found === null) {
    notes.push(finding("time_malformed", place, typeof value === "string" ? shown(value) : ""));
    return [null, null];
  }
  const clock = CLOCKS.get(found.state) ?? null;
  if (clock === null) notes.push(finding("clock_missing", place, found.state));
  if (found.at === null) notes.push(finding("time_malformed", place, shown(String(value))));
  return [found.at, clock];
}

/** Return a reading exactly; real meters also send it as text, with leading zeros or spaces. */
function valueOf(value: Json | undefined, place: string, notes: Finding[]): Decimal | null {
  let number = value;
  if (typeof number === "string") {
    notes.push(finding("value_string", place, shown(number)));
    const digits = number.replace(/^ +| +$/g, "");
    number = /^[+-]?[0-9]{1,18}(?:\.[0-9]{1,12})?$/.test(digits) ? Decimal.of(digits) : null;
  }
  if (!(number instanceof Decimal) || absolute(number).compare(MAX_ENERGY) >= 0) {
    notes.push(finding("value_malformed", place));
    return null;
  }
  return number;
}

function absolute(number: Decimal): Decimal {
  return number.mantissa < 0n ? number.negated() : number;
}

export function finding(code: string, field: string, detail = ""): Finding {
  return { code, field, detail };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0x0a;
}

function stripped(raw: Uint8Array): Uint8Array {
  let [start, end] = [0, raw.length];
  while (start < end && isSpace(raw[start] ?? 0)) start += 1;
  while (end > start && isSpace(raw[end - 1] ?? 0)) end -= 1;
  return raw.subarray(start, end);
}

function split(raw: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let start = 0;
  for (let at = raw.indexOf(PIPE); at >= 0; at = raw.indexOf(PIPE, start)) {
    found.push(raw.subarray(start, at));
    start = at + 1;
  }
  return [...found, raw.subarray(start)];
}
