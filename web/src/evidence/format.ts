/** What all signed formats say in one vocabulary, and findings about them (docs/spec/evidence.md). */
import type { Decimal } from "../exact/decimal.js";

export type Verdict = "VALID" | "INVALID" | "UNKNOWN_KEY" | "UNSIGNED" | "UNREADABLE";
export type Clock = "UNKNOWN" | "INFORMATIVE" | "SYNCHRONISED" | "RELATIVE";
export type Moment = "begin" | "during" | "end" | "outside";
export type Direction = "import" | "export" | "other";

/** Something a reader should know; never a reason for a verdict. */
export interface Finding {
  readonly code: string;
  readonly field: string;
  readonly detail: string;
}

/** A moment as signed: Unix milliseconds, and the offset from UTC in minutes that the signer stated. */
export interface SignedTime {
  readonly ms: number;
  readonly offsetMinutes: number;
}

export interface SignedReading {
  readonly at: SignedTime | null;
  readonly clock: Clock | null;
  readonly moment: Moment;
  readonly register: string;
  readonly direction: Direction;
  readonly valueWh: Decimal | null;
}

export interface RegisterEnergy {
  readonly register: string;
  readonly direction: Direction;
  readonly begin: SignedReading | null;
  readonly end: SignedReading | null;
  readonly energyWh: Decimal | null;
}

/** What one or several records of one transaction say; `identity` is personal. */
export interface Meaning {
  readonly meterSerial: string;
  readonly gatewaySerial: string;
  readonly page: string;
  readonly readings: readonly SignedReading[];
  readonly registers: readonly RegisterEnergy[];
  readonly energyWh: Decimal | null;
  readonly findings: readonly Finding[];
  readonly identityType: string;
  readonly identity: string;
  readonly identityLevel: string;
  readonly tariffText: string;
}

/** The result of checking one record: the verdict is the signature's under the supplied keys and nothing else. */
export interface Checked {
  readonly format: string;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly meaning: Meaning | null;
  readonly key: Uint8Array | null;
}

/** The imported energy, only where the signature is VALID: an unverified claim is no energy. */
export function energyOf(checked: Checked): Decimal | null {
  return checked.verdict === "VALID" ? (checked.meaning?.energyWh ?? null) : null;
}

/** Findings after which no energy to bill follows from the evidence alone. */
export const UNUSABLE: ReadonlySet<string> = new Set([
  "begin_doubled",
  "begin_missing",
  "end_doubled",
  "end_missing",
  "energy_flagged",
  "exception_reading",
  "extension_uninterpreted",
  "import_missing",
  "meter_changed",
  "readings_missing",
  "register_decreasing",
  "registers_disagree",
  "transaction_changed",
  "unit_unknown",
  "value_malformed",
  "value_negative",
]);

/** Findings that are worth telling and cost nothing. */
const NOTES: ReadonlySet<string> = new Set([
  "clock_informative",
  "clock_relative",
  "fiscal_context",
  "identity_hearsay",
  "identity_in_clear",
  "identity_none",
  "identity_unknown",
  "loss_compensated",
  "mixed_registers",
  "register_unknown",
  "value_missing",
  "value_string",
]);

/** What a finding costs; one that is not listed says less than it should. */
export function effectOf(code: string): "note" | "doubt" | "unusable" {
  if (UNUSABLE.has(code)) return "unusable";
  return NOTES.has(code) ? "note" : "doubt";
}

/** Hostile text fit to show: one line, printable, nothing a template resolves, at most 120 characters. */
export function shown(text: string): string {
  const characters = Array.from(text);
  const short = characters.slice(0, 120);
  const safe = short.map((c, n) => (printable(c) && !(c === "$" && short[n + 1] === "{") ? c : escaped(c)));
  return safe.join("") + (characters.length > 120 ? "…" : "");
}

function printable(c: string): boolean {
  return c === " " || !/[\p{C}\p{Z}]/u.test(c);
}

function escaped(c: string): string {
  return `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
}
