/** Charging periods, read: what was used in each, in whole milliseconds, and what is wrong with them. */
import { Decimal, fraction, Fraction, rounded, ZERO } from "../exact/decimal.js";
import { inSpan, tooMuch } from "./clock.js";
import type { ChargingPeriod, Tariff } from "./tariff.js";
import { ENERGY, fits, PARKING_TIME, RESERVATION_TIME, TIME, type Bounds, type Terms } from "./terms.js";

const HOUR_MS = 3_600_000n;
const MOST_DIGITS = 64;
export const TIMES: readonly string[] = [TIME, PARKING_TIME, RESERVATION_TIME];
/** Dimensions of periods that may have a price; others tell power, current and the like. */
export const VOLUMES: readonly string[] = [ENERGY, ...TIMES];

/** A charging period, read: kWh, milliseconds of each kind of time, power and current as far as they are known. */
export interface Used {
  readonly number: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stated: ReadonlySet<string>;
  readonly kwh: Decimal;
  readonly timeMs: number;
  readonly parkingMs: number;
  readonly power: Bounds | null;
  readonly current: Bounds | null;
}

/** Name what is contradictory in the periods, and whether the tariff was in force at the session's start. */
export function periodProblems(tariff: Tariff, periods: readonly ChargingPeriod[]): string[] {
  const [first] = periods;
  if (first === undefined) return ["periods_missing"];
  const problems = periods.flatMap((period, n) => problemsOf(`charging_periods[${n}]`, tariff, period));
  if (periods.some((after, n) => n > 0 && after.startMs < (periods[n - 1]?.startMs ?? 0))) {
    problems.push("periods_out_of_order");
  }
  if (tariff.startMs !== null && first.startMs < tariff.startMs) problems.push("tariff_not_yet_valid");
  if (tariff.endMs !== null && first.startMs >= tariff.endMs) problems.push("tariff_no_longer_valid");
  return problems;
}

function problemsOf(where: string, tariff: Tariff, period: ChargingPeriod): string[] {
  const problems: string[] = [];
  if (period.tariffId === null) problems.push(`tariff_id_missing:${where}`);
  else if (period.tariffId.toLowerCase() !== tariff.id.toLowerCase()) problems.push(`other_tariff:${where}`);
  const told = new Set<string>();
  for (const { type, volume } of period.dimensions) {
    if (!VOLUMES.includes(type)) continue;
    if (told.has(type)) problems.push(`${type.toLowerCase()}_twice:${where}`);
    told.add(type);
    if (volume.mantissa < 0n) problems.push(`${type.toLowerCase()}_negative:${where}`);
    else if (!(type === ENERGY ? fits(volume) : readable(volume))) problems.push("precision");
  }
  if (told.has(RESERVATION_TIME) && told.size > 1) problems.push(`reservation_mixed:${where}`);
  return problems;
}

/** Whether hours are few enough, in few enough digits, to be read as milliseconds. */
function readable(hours: Decimal): boolean {
  return hours.adjusted < MOST_DIGITS && hours.digits <= MOST_DIGITS;
}

/** Read a period that has no problems. */
export function readPeriod(number: number, period: ChargingPeriod): Used {
  const volumes = new Map(period.dimensions.map(({ type, volume }) => [type, volume]));
  const kwh = volumes.get(ENERGY) ?? ZERO;
  const [timeMs = 0, parkingMs = 0, reservedMs = 0] = TIMES.map((kind) => hoursToMs(volumes.get(kind) ?? ZERO));
  let power = boundsOf(volumes, "POWER");
  if (power === null && timeMs + parkingMs > 0 && volumes.has(ENERGY)) {
    const average = fraction(kwh).times(new Fraction(HOUR_MS, BigInt(timeMs + parkingMs)));
    power = [average, average];
  }
  return {
    number,
    startMs: period.startMs,
    endMs: period.startMs + timeMs + parkingMs + reservedMs,
    stated: new Set(VOLUMES.filter((kind) => volumes.has(kind))),
    kwh,
    timeMs,
    parkingMs,
    power,
    current: boundsOf(volumes, "CURRENT"),
  };
}

function hoursToMs(hours: Decimal): number {
  return Number(rounded(hours.times(new Decimal(HOUR_MS)), 0).mantissa);
}

/** The average where it is stated, else the least and the most, else null. */
function boundsOf(volumes: ReadonlyMap<string, Decimal>, quantity: string): Bounds | null {
  const average = volumes.get(quantity);
  const [low, high] = [average ?? volumes.get(`MIN_${quantity}`), average ?? volumes.get(`MAX_${quantity}`)];
  return low === undefined || high === undefined ? null : [low, high];
}

/** Name what the tariff prices and no period states, and sessions at times that are not priced. */
export function useProblems(terms: Terms, used: readonly Used[]): string[] {
  const stated = new Set(used.flatMap((one) => Array.from(one.stated)));
  const startMs = used[0]?.startMs ?? 0;
  const endMs = Math.max(...used.map((one) => one.endMs));
  if (!inSpan(startMs, endMs)) return ["time_span"];
  if (tooMuch(terms, used.length, startMs, endMs)) return ["too_much"];
  if (stated.size === 1 && stated.has(RESERVATION_TIME)) return [];
  const problems: string[] = [];
  if (terms.options.has(ENERGY) && !stated.has(ENERGY)) problems.push("energy_missing");
  const timed = terms.options.has(TIME) || terms.options.has(PARKING_TIME);
  if (timed && !stated.has(TIME) && !stated.has(PARKING_TIME)) problems.push("time_missing");
  return problems;
}
