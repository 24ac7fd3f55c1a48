/** What OCMF records say: energy per register over begin-end pairs, and findings (docs/spec/evidence.md). */
import type { Decimal } from "../exact/decimal.js";
import { Decimal as Exact } from "../exact/decimal.js";
import {
  shown,
  UNUSABLE,
  type Clock,
  type Finding,
  type Meaning,
  type Moment,
  type RegisterEnergy,
  type SignedReading,
} from "./format.js";
import { parseRegister, type Register } from "./obis.js";
import { finding, type OcmfReading, type OcmfRecord, type Page } from "./ocmf_record.js";

const UNITS: ReadonlyMap<string, number> = new Map([
  ["Wh", 0],
  ["kWh", 3],
]);
const CLOCK_FINDINGS: Partial<Record<Clock, string>> = {
  UNKNOWN: "clock_unsynchronised",
  INFORMATIVE: "clock_informative",
  RELATIVE: "clock_relative",
};
const IDENTITY_LEVELS: ReadonlyMap<string, string> = new Map([
  ["NONE", "identity_none"],
  ["HEARSAY", "identity_hearsay"],
  ...["MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"].map((level) => [level, "identity_error"] as const),
  ...["", "TRUSTED", "VERIFIED", "CERTIFIED", "SECURE"].map((level) => [level, ""] as const),
]);
/** Identification types whose data need not be a driver's lasting identifier (table 17). */
const PSEUDONYMOUS = new Set([
  "",
  "NONE",
  "DENIED",
  "CENTRAL",
  "CENTRAL_1",
  "CENTRAL_2",
  "LOCAL",
  "LOCAL_1",
  "LOCAL_2",
]);

/** One register's way through a transaction, as far as followed. */
interface Pair {
  readonly register: Register | null;
  begin: SignedReading | null;
  end: SignedReading | null;
  lastWh: Decimal | null;
  usable: boolean;
}

/** What one record, or several of one transaction in order, say together; at least one is given. */
export function meaningOf(records: readonly [OcmfRecord, ...OcmfRecord[]]): Meaning {
  const findings: Finding[] = [];
  const pairs = new Map<string, Pair>();
  const readings: SignedReading[] = [];
  records.forEach((record, n) => {
    const prefix = records.length > 1 ? `${n + 1}:` : "";
    const own = [...record.notes, ...general(record)];
    record.readings.forEach((raw, index) => {
      const reading = signedReading(raw, `RD[${index}]`, own);
      readings.push(reading);
      follow(pairs, raw, reading, `RD[${index}]`, own);
    });
    findings.push(...own.map((f) => finding(f.code, prefix + f.field, f.detail)));
  });
  findings.push(...continuity(records));
  const registers = Array.from(pairs, ([register, pair]) => energy(register, pair));
  findings.push(...pairing(pairs, registers, records.every((record) => record.page?.context === "F")));
  const energyWh = billable(registers, pairs, findings);
  const [first] = records;
  const last = records[records.length - 1] ?? first;
  const pages = [first, last].flatMap(({ page }) => (page === null ? [] : [`${page.context}${page.number}`]));
  return {
    meterSerial: first.meterSerial,
    gatewaySerial: first.gatewaySerial,
    page: Array.from(new Set(pages)).join("-"),
    readings,
    registers,
    energyWh,
    findings: distinct(findings),
    identityType: first.identityType,
    identity: first.identity,
    identityLevel: first.identityLevel,
    tariffText: first.tariffText,
  };
}

/** What is wrong between consecutive records of one meter: another meter, a page gap, order, time, a rewind. */
export function continuity(records: readonly OcmfRecord[]): Finding[] {
  const findings: Finding[] = [];
  let pages = new Map<string, Page>();
  records.forEach((after, n) => {
    const before = records[n - 1];
    const place = `${n + 1}:`;
    if (before === undefined) {
      if (after.page) pages.set(after.page.context, after.page);
      return;
    }
    if (before.gatewaySerial !== after.gatewaySerial || before.meterSerial !== after.meterSerial) {
      findings.push(finding("meter_changed", `${place}MS`));
      pages = new Map(after.page ? [[after.page.context, after.page]] : []);
      return;
    }
    findings.push(...turned(pages, after.page, `${place}PG`), ...ranBack(before, after, place));
  });
  return findings;
}

function turned(pages: Map<string, Page>, page: Page | null, place: string): Finding[] {
  if (page === null) return [];
  const before = pages.get(page.context);
  pages.set(page.context, page);
  if (before === undefined || page.number === before.number + 1n) return [];
  const code = page.number <= before.number ? "page_order" : "page_gap";
  return [finding(code, place, `${page.context}${before.number} -> ${page.context}${page.number}`)];
}

function ranBack(before: OcmfRecord, after: OcmfRecord, place: string): Finding[] {
  const findings: Finding[] = [];
  const [[last], [first]] = [times(before).slice(-1), times(after)];
  if (last !== undefined && first !== undefined && first < last) findings.push(finding("time_backwards", `${place}RD[0].TM`));
  const ends = new Map(before.readings.filter((r) => r.value !== null).map((r) => [r.register, wh(r)]));
  after.readings.forEach((reading, index) => {
    const earlier = ends.get(reading.register) ?? null;
    ends.delete(reading.register);
    const now = wh(reading);
    if (earlier !== null && now !== null && now.compare(earlier) < 0 && runsOn(reading)) {
      findings.push(finding("register_decreasing", `${place}RD[${index}].RV`, shown(reading.register)));
    }
  });
  return findings;
}

function times(record: OcmfRecord): number[] {
  return record.readings.flatMap((reading) => (reading.at === null ? [] : [reading.at.ms]));
}

/** Note everything but readings: version, meter, page context, identity. */
function general(record: OcmfRecord): Finding[] {
  const findings: Finding[] = [];
  const version = record.formatVersion;
  if (!["", "0", "1"].includes(version.split(".")[0] ?? "")) {
    findings.push(finding("format_version_unknown", "FV", shown(version)));
  }
  if (isBlank(record.meterSerial) && isBlank(record.gatewaySerial)) {
    findings.push(finding("meter_serial_missing", "MS"));
  }
  if (record.page?.context === "F") findings.push(finding("fiscal_context", "PG"));
  if (record.readings.length === 0) findings.push(finding("readings_missing", "RD"));
  let level = IDENTITY_LEVELS.get(record.identityLevel) ?? "identity_unknown";
  if (record.identified === false && level === "") level = "identity_none";
  if (level !== "") findings.push(finding(level, "IL", shown(record.identityLevel)));
  if (record.identity !== "" && !PSEUDONYMOUS.has(record.identityType)) {
    findings.push(finding("identity_in_clear", "ID", shown(record.identityType)));
  }
  return findings;
}

/** White space of Unicode and the separators of ASCII. */
function isBlank(text: string): boolean {
  return /^[\s\u001c-\u001f\u0085]*$/.test(text) && !text.includes("\ufeff");
}

/** Translate one reading, noting its clock, state, errors, unit and register. */
function signedReading(raw: OcmfReading, place: string, findings: Finding[]): SignedReading {
  const register = parseRegister(raw.register);
  findings.push(...stateFindings(raw, place), ...valueFindings(raw, register, place));
  return {
    at: raw.at,
    clock: raw.clock,
    moment: momentOf(raw.reason) ?? "outside",
    register: raw.register,
    direction: register?.direction ?? "other",
    valueWh: wh(raw),
  };
}

function momentOf(reason: string): Moment | null {
  if (reason === "") return "outside";
  if (reason === "B") return "begin";
  if (["C", "X", "S", "T"].includes(reason)) return "during";
  return ["E", "L", "R", "A", "P"].includes(reason) ? "end" : null;
}

/** Note what the meter says of its clock, its state and its errors. */
function stateFindings(raw: OcmfReading, place: string): Finding[] {
  const clock = raw.clock === null ? undefined : CLOCK_FINDINGS[raw.clock];
  const said: [boolean, string, string, string][] = [
    [clock !== undefined, clock ?? "", "TM", ""],
    [raw.status !== "G", "meter_status", "ST", raw.status],
    [raw.errors.includes("E"), "energy_flagged", "EF", raw.errors],
    [raw.errors.includes("t"), "time_flagged", "EF", raw.errors],
    [raw.reason === "X", "exception_reading", "TX", ""],
    [momentOf(raw.reason) === null, "transaction_unknown", "TX", raw.reason],
  ];
  return said.filter(([holds]) => holds).map(([, code, field, detail]) => finding(code, `${place}.${field}`, shown(detail)));
}

/** Note a value without register, of an unknown one, negative, or in a unit that is none of energy. */
function valueFindings(raw: OcmfReading, register: Register | null, place: string): Finding[] {
  if (raw.value === null) return [];
  if (register === null) {
    return [finding(raw.register === "" ? "register_missing" : "register_unknown", `${place}.RI`, shown(raw.register))];
  }
  if (register.direction === "other") return [];
  const findings: Finding[] = [];
  if (raw.value.mantissa < 0n) findings.push(finding("value_negative", `${place}.RV`));
  if (!UNITS.has(raw.unit)) findings.push(finding("unit_unknown", `${place}.RU`, shown(raw.unit)));
  return findings;
}

/** The exact value in Wh, or null. */
function wh(raw: OcmfReading): Decimal | null {
  const power = UNITS.get(raw.unit);
  if (raw.value === null || power === undefined) return null;
  const value = raw.value.shifted(power);
  return value.exponent > 0 ? new Exact(value.scaled(0)) : value;
}

/** Whether the register counts on from transaction to transaction. */
function runsOn(raw: OcmfReading): boolean {
  const register = parseRegister(raw.register);
  return register !== null && register.direction !== "other" && !register.perTransaction;
}

/** Take one reading into its register's pair, noting what does not fit. */
function follow(
  pairs: Map<string, Pair>,
  raw: OcmfReading,
  reading: SignedReading,
  place: string,
  findings: Finding[],
): void {
  const pair = pairs.get(raw.register) ?? {
    register: parseRegister(raw.register),
    begin: null,
    end: null,
    lastWh: null,
    usable: true,
  };
  pairs.set(raw.register, pair);
  if (raw.reason === "X" || raw.errors.includes("E")) pair.usable = false;
  if (pair.end !== null && reading.moment !== "outside") {
    findings.push(finding(reading.moment === "end" ? "end_doubled" : "reading_after_end", `${place}.TX`));
  }
  if (reading.moment === "begin") {
    if (pair.begin !== null) findings.push(finding("begin_doubled", `${place}.TX`));
    pair.begin ??= reading;
  } else if (reading.moment === "end") {
    pair.end ??= reading;
    if (pair.begin?.at && reading.at && reading.at.ms < pair.begin.at.ms) {
      findings.push(finding("time_backwards", `${place}.TM`));
    }
  }
  if (reading.valueWh === null) return;
  if (reading.valueWh.mantissa < 0n) pair.usable = false;
  if ((pair.register?.direction ?? "other") !== "other" && pair.lastWh && reading.valueWh.compare(pair.lastWh) < 0) {
    pair.usable = false;
    findings.push(finding("register_decreasing", `${place}.RV`, shown(raw.register)));
  }
  pair.lastWh = reading.valueWh;
}

function energy(register: string, pair: Pair): RegisterEnergy {
  const { begin, end } = pair;
  const known = pair.usable && begin?.valueWh && end?.valueWh;
  return {
    register,
    direction: pair.register?.direction ?? "other",
    begin,
    end,
    energyWh: known ? end.valueWh.minus(begin.valueWh) : null,
  };
}

/** Note what the transaction lacks as a whole: missing begin or end, several registers. */
function pairing(pairs: Map<string, Pair>, registers: readonly RegisterEnergy[], fiscal: boolean): Finding[] {
  const findings: Finding[] = [];
  if (registers.length > 1) {
    findings.push(finding("mixed_registers", "RD", shown(Array.from(pairs.keys()).join(", "))));
  }
  if (fiscal || registers.length === 0) return findings;
  const imports = registers.filter((register) => register.direction === "import");
  if (imports.length === 0) findings.push(finding("import_missing", "RD"));
  for (const register of imports) {
    if (register.begin === null) findings.push(finding("begin_missing", "RD", shown(register.register)));
    if (register.end === null) findings.push(finding("end_missing", "RD", shown(register.register)));
  }
  return findings;
}

/** The imported energy: at the car before at the mains, the total before single rates, and only if all agree. */
function billable(registers: readonly RegisterEnergy[], pairs: Map<string, Pair>, findings: Finding[]): Decimal | null {
  let candidates = registers.flatMap((register) => {
    const named = pairs.get(register.register)?.register ?? null;
    return named?.direction === "import" ? [{ named, register }] : [];
  });
  candidates = preferred(candidates, ({ named }) => named.atTheCar);
  candidates = preferred(candidates, ({ named }) => named.rate === 0);
  const [first, ...others] = candidates.map(({ register }) => register.energyWh);
  if (others.some((other) => !alike(first ?? null, other))) {
    const names = candidates.map(({ register }) => register.register).join(", ");
    findings.push(finding("registers_disagree", "RD", shown(names)));
    return null;
  }
  return findings.some((f) => UNUSABLE.has(f.code)) ? null : (first ?? null);
}

function preferred<T>(all: T[], by: (one: T) => boolean): T[] {
  const some = all.filter(by);
  return some.length > 0 ? some : all;
}

function alike(one: Decimal | null, other: Decimal | null): boolean {
  return one === null || other === null ? one === other : one.compare(other) === 0;
}

function distinct(findings: readonly Finding[]): Finding[] {
  return Array.from(new Map(findings.map((f) => [JSON.stringify([f.code, f.field, f.detail]), f])).values());
}
