/** Step 6: what meters signed, found inside records, against the meters enrolled for the station. */

import type { Checked, Finding, Meaning, SignedReading } from "../evidence/format.js";
import { check } from "../evidence/ocmf.js";
import { continuity, meaningOf } from "../evidence/ocmf_meaning.js";
import { looksLikeOcmf, parse, type OcmfRecord } from "../evidence/ocmf_record.js";
import { magnitude } from "../exact/decimal.js";
import { hex, same } from "./bytes.js";
import { failed, finding, lacking, type Case, type Register, type Trouble, sameSubject } from "./case.js";
import { registerOf, registersOf, ROUNDING_WH } from "./content.js";
import { Decimal, difference, scientific } from "./decimal.js";
import { readOps, type Meter } from "./fields.js";
import { isLevel } from "./identification.js";
import { Group, Kind, placeText, type Item } from "./item.js";
import type { Entry } from "./registry.js";

/** A meter with a synchronised clock and its station name the same moment within this time. */
const CLOCKS_AGREE_WITHIN_S = 60;
const VEHICLE = "ISO15118-2-RECEIPT";
/** Of no account in one record where start and end are signed apart. */
const HALVES = ["begin_missing", "end_missing"];
/** Judged over all records: the page between begin and end may be one of a reading in between. */
const BETWEEN = ["page_gap"];
const BOUNDS: readonly string[] = ["begin", "end"];
/** Findings that cost nothing; any other leaves a doubt at least (docs/spec/evidence.md). */
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

/** One piece of evidence that an enrolled meter signed. */
interface Valid {
  readonly item: Item;
  readonly raw: Uint8Array;
  readonly key: Uint8Array;
  readonly meaning: Meaning;
}

/** Verify each piece of evidence under the enrolled meter keys and compare meter, time and value with its record. */
export function checkEvidence(found: Case): Trouble | null {
  found.registers = registersOf(found);
  const origin = found.bundle.items[0]?.payload.origin ?? "";
  const enrolled = new Map((found.registry?.meters(origin) ?? []).map((entry) => [hex(entry.spki), entry]));
  const valid: Valid[] = [];
  for (const [item, meter] of found.registers) {
    for (const [format, raw] of meter.evidence) {
      if (isVehicles(format, raw)) {
        found.evidence.push(vehicleReport(item));
        continue;
      }
      const trouble = checkOne(found, [item, meter], [format, raw], enrolled, valid);
      if (trouble !== null) {
        return trouble;
      }
    }
  }
  conclude(found, valid, enrolled);
  return null;
}

/** Receipts of vehicles change neither verdict nor grade; they are not read here. */
function isVehicles(format: string, raw: Uint8Array): boolean {
  return format === VEHICLE || (raw[0] === 0x85 && raw[1] === 1);
}

function vehicleReport(item: Item): Case["evidence"][number] {
  return {
    verdict: "UNKNOWN_KEY",
    format: VEHICLE,
    reason: "not_read_here",
    findings: [],
    record: placeText(item.payload),
    kind: "vehicle",
    signer: "",
  };
}

function checkOne(
  found: Case,
  [item, meter]: Register,
  [format, raw]: readonly [string, Uint8Array],
  enrolled: ReadonlyMap<string, Entry>,
  valid: Valid[],
): Trouble | null {
  const keys = [...enrolled.values()].map((entry) => entry.spki);
  if (!looksLikeOcmf(raw)) {
    return lacking("evidence_not_read_here", format, item);
  }
  const checked = check(raw, keys);
  found.evidence.push({
    verdict: checked.verdict,
    format: checked.format || format,
    reason: checked.reason,
    findings: (checked.meaning?.findings ?? []).filter((one) => !HALVES.includes(one.code)),
    record: placeText(item.payload),
    kind: "evidence",
    signer: "",
  });
  if (checked.verdict === "INVALID" || checked.verdict === "UNREADABLE") {
    return failed(checked.reason || "evidence_invalid", "evidence", item);
  }
  return hold(found, [item, meter], raw, checked, enrolled, valid);
}

/** Hold verified evidence against its record. */
function hold(
  found: Case,
  [item, meter]: Register,
  raw: Uint8Array,
  { key, meaning }: Checked,
  enrolled: ReadonlyMap<string, Entry>,
  valid: Valid[],
): Trouble | null {
  const entry = key === null ? undefined : enrolled.get(hex(key));
  if (key === null || entry === undefined || meaning === null) {
    return null;
  }
  const trouble = compareRecord(item, meter, entry, meaning) ?? compareTime(found, item, meaning);
  if (trouble === null) {
    keepLevel(found, item, entry, meaning, valid);
    valid.push({ item, raw, key, meaning });
    found.meterKeys.set(item.hash, [...(found.meterKeys.get(item.hash) ?? []), entry]);
  }
  return trouble;
}

/** Keep the first identification level that meters signed with a start or end. */
function keepLevel(found: Case, item: Item, entry: Entry, meaning: Meaning, valid: readonly Valid[]): void {
  const kept = valid.some((one) => one.item === item && isLevel(one.meaning.identityLevel));
  if (momentOf(item.payload.kind) !== null && isLevel(meaning.identityLevel) && !kept) {
    found.meterLevels.push({ signer: `${entry.party} (${entry.role})`, level: meaning.identityLevel });
  }
}

function compareRecord(item: Item, meter: Meter, entry: Entry, meaning: Meaning): Trouble | null {
  const serials = [meaning.meterSerial, meaning.gatewaySerial];
  if (entry.meterId !== null && (entry.meterId === "" || !serials.includes(entry.meterId))) {
    return failed("evidence_of_another_meter", "meter_id", item);
  }
  const { ms } = item.payload;
  if (ms < entry.fromMs || (entry.revokedMs !== null && ms >= entry.revokedMs)) {
    return failed("meter_key_not_valid_then", "kid", item);
  }
  const repeated = repeatedReading(meaning, item.payload.kind)?.valueWh ?? null;
  if (repeated !== null && repeated.compare(meter.registerWh) !== 0) {
    return failed("evidence_value_differs", "register_wh", item);
  }
  return null;
}

/** Which end of a transaction a record of this kind tells. */
function momentOf(kind: number): "begin" | "end" | null {
  return kind === Kind.STARTED ? "begin" : kind === Kind.ENDED ? "end" : null;
}

/** The signed import reading that a record of this kind should repeat: begin, end, or the last one. */
function repeatedReading(meaning: Meaning, kind: number): SignedReading | undefined {
  const moment = momentOf(kind);
  return meaning.readings.findLast(
    (reading) =>
      reading.direction === "import" &&
      reading.valueWh !== null &&
      (moment === null || reading.moment === moment),
  );
}

/** Compare times: a start's begin and an end's end with their record, any begin or end with the whole session. */
function compareTime(found: Case, item: Item, meaning: Meaning): Trouble | null {
  const startedS = toldAtS(found, found.ofKind(Kind.STARTED));
  const endedS = toldAtS(found, found.ofKind(Kind.ENDED));
  const moment = momentOf(item.payload.kind);
  for (const reading of meaning.readings) {
    if (reading.at === null || !BOUNDS.includes(reading.moment)) {
      continue;
    }
    const atS = reading.at.ms / 1000;
    const early = startedS !== null && atS < startedS - CLOCKS_AGREE_WITHIN_S;
    const outside = early || (endedS !== null && atS > endedS + CLOCKS_AGREE_WITHIN_S);
    if (outside && reading.clock === "SYNCHRONISED") {
      return failed("evidence_outside_session", "station_ms", item);
    }
    const own = moment === "begin" ? startedS : endedS;
    const ownS = reading.moment === moment ? own : null;
    const apart = ownS !== null && Math.abs(atS - ownS) > CLOCKS_AGREE_WITHIN_S;
    if (apart && reading.clock === "SYNCHRONISED") {
      return failed("evidence_time_differs", "station_ms", item);
    }
    if (outside || apart) {
      found.findings.push(finding("clocks_disagree", "station_ms", `signed ${reading.moment}`));
    }
  }
  return null;
}

/** The station's time of a record in Unix seconds, where it is shown. */
function toldAtS(found: Case, item: Item | undefined): number | null {
  const content = item === undefined ? undefined : found.content(item, Group.OPS);
  const stationMs = content === undefined ? null : readOps(content.fields).stationMs;
  return stationMs === null ? null : Number(stationMs) / 1000;
}

/** Decide whether one enrolled meter signed start and end, and whether its records and the OCPP seqNo have gaps. */
function conclude(found: Case, valid: readonly Valid[], enrolled: ReadonlyMap<string, Entry>): void {
  const key = valid[0]?.key;
  if (key === undefined) {
    return;
  }
  if (valid.some((one) => !same(one.key, key))) {
    found.findings.push(finding("meter_changed", "evidence"));
    return;
  }
  const isBound = ({ item, meaning }: Valid): boolean =>
    momentOf(item.payload.kind) !== null || meaning.readings.some((reading) => BOUNDS.includes(reading.moment));
  const [first, ...rest] = distinct(valid.filter(isBound));
  if (first === undefined) {
    return;
  }
  const meaning = meaningOf([first, ...rest]);
  const gaps = continuity(distinct(valid));
  const told = meaning.findings.filter((one) => !BETWEEN.includes(one.code));
  found.findings.push(...told);
  compareEnergy(found, meaning.energyWh);
  found.meterParty = enrolled.get(hex(key))?.party ?? null;
  for (const gap of gaps) {
    if (!found.findings.some((known) => sameFinding(known, gap))) {
      found.findings.push(gap);
    }
  }
  const doubtful = [...told, ...gaps].some((one) => !NOTES.has(one.code));
  found.meterComplete = !doubtful && sequenceComplete(found);
}

function distinct(valid: readonly Valid[]): OcmfRecord[] {
  return [...new Map(valid.map(({ raw }) => [hex(raw), raw])).values()].map(parse);
}

function sameFinding(one: Finding, other: Finding): boolean {
  return one.code === other.code && one.field === other.field && one.detail === other.detail;
}

/**
 * Find the energy of the records signed for, exactly, or but for the rounding of a station that the CSMS heard.
 *
 * Another energy than the meter signed is the CSMS's word alone, and a finding.
 */
function compareEnergy(found: Case, signedWh: Decimal | null): void {
  const [startWh, endWh] = [registerOf(found.registers, Kind.STARTED), registerOf(found.registers, Kind.ENDED)];
  if (signedWh === null || startWh === undefined || endWh === undefined) {
    return;
  }
  const toldWh = difference(endWh, startWh);
  const started = found.ofKind(Kind.STARTED);
  const heard = started !== undefined && found.signers.get(started.hash)?.role === "csms";
  const exactly = signedWh.compare(toldWh) === 0;
  const rounded = heard && magnitudeOf(difference(signedWh, toldWh)).compare(ROUNDING_WH) < 0;
  found.meterSigned = exactly || rounded;
  const detail = `${scientific(toldWh)} told, ${scientific(signedWh)} signed`;
  if (!found.meterSigned) {
    found.findings.push(finding("energy_not_signed", "register_wh", detail));
  } else if (!exactly) {
    found.meterEnergyWh = signedWh;
    found.findings.push(finding("register_rounded", "register_wh", detail));
  }
}

function magnitudeOf(value: Decimal): Decimal {
  return new Decimal(magnitude(value.mantissa), value.exponent);
}

/** Whether the OCPP seqNo of the transaction's records are all readable and without a gap. */
function sequenceComplete(found: Case): boolean {
  const started = found.ofKind(Kind.STARTED);
  const numbers = found.bundle.items
    .filter((item) => started !== undefined && sameSubject(started, item))
    .map((item) => {
      const content = found.content(item, Group.OPS);
      return content === undefined ? null : readOps(content.fields).seqNo;
    });
  const sorted = [...new Set(numbers.filter((number) => number !== null))].sort((one, other) => (one < other ? -1 : 1));
  const first = sorted[0];
  return first !== undefined && !numbers.includes(null) && sorted.every((n, at) => BigInt(n) === BigInt(first) + BigInt(at));
}
