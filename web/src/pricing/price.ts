/**
 * The price of a session under an OCPI tariff, with a trace that says what was applied where, and why.
 *
 * For each dimension the first element in order that has it and whose restrictions hold. Time is split at every moment at
 * which that may change, energy at every amount at which it may; all energy of a period counts at the period's start,
 * before its time. FLAT is charged once a session. A step rounds a dimension's sum up once. What no component prices is
 * free; what cannot be said exactly is `Incomplete` (docs/spec/pricing.md).
 */
import { Decimal, Fraction, InexactError, magnitude, ONE, ZERO, type Amount } from "../exact/decimal.js";
import { between, changes, type Zone } from "./clock.js";
import { Sheet, type Line } from "./sheet.js";
import { Incomplete, type ChargingPeriod, type Tariff } from "./tariff.js";
import { pricedOf } from "./taxes.js";
import { ENERGY, fits, FLAT, PARKING_TIME, RESERVATION_FLAT, RESERVATION_TIME, TIME, termsOf, type Terms } from "./terms.js";
import type { Priced, TraceLine } from "./trace.js";
import { periodProblems, readPeriod, useProblems, VOLUMES, type Used } from "./used.js";

const LARGEST = 2n ** 63n;

/** Price a session's charging periods, in order, under `tariff`; `zone` is the charging station's time zone. */
export function price(tariff: Tariff, periods: readonly ChargingPeriod[], zone: Zone): Priced | Incomplete {
  const [terms, wrong] = termsOf(tariff);
  const problems = [...wrong, ...periodProblems(tariff, periods)];
  if (problems.length > 0) return new Incomplete(problems);
  const used = periods.map((period, number) => readPeriod(number, period));
  const more = useProblems(terms, used);
  if (more.length > 0) return new Incomplete(more);
  try {
    return priced(tariff, terms, used, zone);
  } catch (error) {
    if (error instanceof InexactError) return new Incomplete(["precision"]);
    throw error;
  }
}

function priced(tariff: Tariff, terms: Terms, used: readonly Used[], zone: Zone): Priced | Incomplete {
  const charging = used.filter((one) => !one.stated.has(RESERVATION_TIME));
  const startMs = used[0]?.startMs ?? 0;
  const begunMs = charging[0]?.startMs ?? startMs;
  const sheet = new Sheet(tariff, terms, zone, begunMs, charging.length === 0);
  const moments = changes(terms, zone, begunMs, startMs, Math.max(...used.map((one) => one.endMs)));
  for (const one of used) {
    if (one.stated.has(RESERVATION_TIME)) reserve(sheet, one, moments);
    else charge(sheet, one, moments);
  }
  if (!sheet.open.has(ENERGY)) nothingDrawn(sheet, used);
  if (sheet.unknown.size > 0) return new Incomplete(sheet.unknown);
  step(sheet);
  const lines = sheet.lines.map((line) => sheet.finish(line));
  const found = pricedOf(tariff, lines, charging.length > 0);
  return found.trace.every(storableLine) ? found : new Incomplete(["precision"]);
}

/** Price reserved time: before the session, so that it has neither age nor energy. */
function reserve(sheet: Sheet, used: Used, moments: readonly number[]): void {
  sheet.chargeFlat(RESERVATION_FLAT, sheet.moment(used.startMs, ZERO, used), used, used.startMs);
  for (const [startMs, untilMs] of pieces(used.startMs, used.endMs, moments)) {
    const when = sheet.moment(startMs, ZERO, used);
    sheet.chargeFlat(RESERVATION_FLAT, when, used, startMs);
    sheet.take(RESERVATION_TIME, seconds(untilMs - startMs), when, used.number, startMs, untilMs);
  }
}

/** Price a period: its energy at its start, split where an amount changes the price, then its time. */
function charge(sheet: Sheet, used: Used, moments: readonly number[]): void {
  const { startMs, endMs } = used;
  sheet.chargeFlat(FLAT, sheet.moment(startMs, sheet.kwh, used), used, startMs);
  if (!used.kwh.isZero) drawn(sheet, used);
  if (used.timeMs && used.parkingMs && between(moments, startMs, endMs).length > 0) {
    sheet.unknown.add(`time_ambiguous:charging_periods[${used.number}]`);
  }
  let atMs = startMs;
  for (const [dimension, lengthMs] of [[TIME, used.timeMs], [PARKING_TIME, used.parkingMs]] as const) {
    for (const [pieceMs, untilMs] of pieces(atMs, atMs + lengthMs, moments)) {
      const when = sheet.moment(pieceMs, sheet.kwh, used);
      sheet.chargeFlat(FLAT, when, used, pieceMs);
      sheet.take(dimension, seconds(untilMs - pieceMs), when, used.number, pieceMs, untilMs);
    }
    atMs += lengthMs;
  }
}

function drawn(sheet: Sheet, used: Used): void {
  const reached = sheet.kwh.plus(used.kwh);
  const inside = sheet.terms.kwh.filter((kwh) => sheet.kwh.compare(kwh) < 0 && kwh.compare(reached) < 0);
  let low = sheet.kwh;
  for (const high of [...inside, reached]) {
    const when = sheet.moment(used.startMs, low, used);
    sheet.chargeFlat(FLAT, when, used, used.startMs);
    sheet.take(ENERGY, high.minus(low), when, used.number, used.startMs, used.endMs);
    low = high;
  }
  sheet.kwh = reached;
  sheet.chargeFlat(FLAT, sheet.moment(used.startMs, reached, used), used, used.startMs);
}

function pieces(startMs: number, endMs: number, moments: readonly number[]): [number, number][] {
  if (startMs === endMs) return [];
  const bounds = [startMs, ...between(moments, startMs, endMs), endMs];
  return bounds.slice(1).map((until, n) => [bounds[n] ?? startMs, until]);
}

function seconds(ms: number): Decimal {
  return new Decimal(BigInt(ms), -3);
}

/** Say of a session without energy what none of it costs, where that does not depend on when. */
function nothingDrawn(sheet: Sheet, used: readonly Used[]): void {
  const first = used.find((one) => one.stated.has(ENERGY));
  const [option] = sheet.options(ENERGY);
  if (first !== undefined && (option === undefined || option.condition === null)) {
    const when = sheet.moment(first.startMs, ZERO, first);
    sheet.take(ENERGY, first.kwh, when, first.number, first.startMs, first.endMs);
  }
}

/** Round each dimension's sum up by the last component's step; of time and parking time only what comes last. */
function step(sheet: Sheet): void {
  const last = new Map<string, Line>();
  for (const line of sheet.lines) {
    if (line.option === null || line.quantity.isZero || !VOLUMES.includes(line.dimension)) continue;
    const kind = line.dimension === PARKING_TIME ? TIME : line.dimension;
    const before = last.get(kind);
    if (before === undefined || line.untilMs >= before.untilMs || kind === ENERGY) last.set(kind, line);
  }
  for (const line of last.values()) {
    const whole = new Decimal(line.option?.component.stepSize ?? 1n);
    const unit = line.dimension === ENERGY ? whole.shifted(-3) : whole;
    const same = sheet.lines.filter((other) => other.dimension === line.dimension && other.option !== null);
    const quantity = same.reduce((sum, other) => sum.plus(other.quantity), ZERO);
    const more = stepped(quantity, unit).minus(quantity);
    if (!more.isZero) sheet.lines.push({ ...line, why: "step_size_once", quantity: more });
  }
}

/** The least multiple of the step that is not below the quantity. */
function stepped(quantity: Decimal, unit: Decimal): Decimal {
  const exponent = Math.min(quantity.exponent, unit.exponent);
  const [whole, part] = [quantity.scaled(exponent), unit.scaled(exponent)];
  const steps = new Decimal(whole / part);
  return unit.times(whole % part === 0n ? steps : steps.plus(ONE));
}

/** Whether a record can hold the line's numbers. */
function storableLine(line: TraceLine): boolean {
  return fits(line.quantity) && storable(line.beforeTax) && storable(line.afterTax);
}

function storable(amount: Amount): boolean {
  if (amount instanceof Fraction) return magnitude(amount.numerator) < LARGEST && amount.denominator < LARGEST;
  return fits(amount);
}
