/**
 * Moments at which a tariff may change: by wall clock in the station's zone, exact on days of 23 and 25 hours.
 *
 * Durations are differences of UTC times. Restrictions are read off the local wall clock. A wall time that a day has twice
 * is such a moment twice; one that a day skips is passed when the clock jumps.
 */
import type { Local } from "./local.js";
import type { Terms } from "./terms.js";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Longer sessions are not priced: no car charges for more than a year, clocks jump. */
const MAX_SPAN_MS = 400 * DAY_MS;
/** Conditions looked at, at most, for one price: who writes a tariff does not decide how long others compute. */
const MAX_WORK = 500_000;
const MAX_MS = 2 ** 47;

/** A time zone, by the browser's own rules. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;

  private constructor(name: string, format: Intl.DateTimeFormat | null) {
    this.name = name;
    this.#format = format;
  }

  /** The zone of an IANA name, null where the browser knows none. */
  static of(name: string): Zone | null {
    if (name === "UTC") return new Zone(name, null);
    if (!/^[A-Z]/.test(name)) return null; // neither an offset nor another spelling of a name
    try {
      return new Zone(name, formatOf(name));
    } catch {
      return null;
    }
  }

  /** Local time minus UTC, in milliseconds. */
  offset(ms: number): number {
    if (this.#format === null) return 0;
    const parts = new Map(this.#format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const [year = 0, month = 0, day = 0] = ["year", "month", "day"].map((type) => parts.get(type as "year"));
    const [hour = 0, minute = 0, second = 0] = ["hour", "minute", "second"].map((type) => parts.get(type as "hour"));
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  }

  local(ms: number): Local {
    const wall = ms + this.offset(ms);
    const day = Math.floor(wall / DAY_MS);
    return { day, clockMs: wall - day * DAY_MS, weekday: (((day + 3) % 7) + 7) % 7 };
  }

  /** When a wall time is: twice where the clock is set back over it; where it is set forward, before and after. */
  moments(wallMs: number): readonly number[] {
    const [before, after] = [wallMs - DAY_MS, wallMs + DAY_MS];
    const [old, later] = [this.offset(before), this.offset(after)];
    if (old === later) return [wallMs - old];
    const jump = this.jump(before, after);
    const first = wallMs >= jump + Math.max(old, later) ? later : old;
    const second = wallMs >= jump + Math.min(old, later) ? later : old;
    return first === second ? [wallMs - first] : [wallMs - first, wallMs - second];
  }

  /** The first millisecond of the new offset between two moments of different offsets. */
  jump(startMs: number, endMs: number): number {
    const old = this.offset(startMs);
    let [before, after] = [startMs, endMs];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.offset(middle) === old) before = middle;
      else after = middle;
    }
    return after;
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}

/** Whether a session from start to end is of a time and length that are priced. */
export function inSpan(startMs: number, endMs: number): boolean {
  return startMs >= 0 && startMs <= endMs && endMs < MAX_MS && endMs - startMs <= MAX_SPAN_MS;
}

/** Whether a session of so many stretches would take more than `MAX_WORK` under these terms. */
export function tooMuch(terms: Terms, stretches: number, startMs: number, endMs: number): boolean {
  const days = terms.byClock ? Math.floor((endMs - startMs) / DAY_MS) + 2 : 0;
  const moments = days * 2 * (terms.walls.length + 1) + terms.agesMs.length + stretches;
  return moments * terms.conditions.length > MAX_WORK;
}

/** All moments after `startMs` and before `endMs` at which conditions may change, in order; ages count from `begunMs`. */
export function changes(terms: Terms, zone: Zone, begunMs: number, startMs: number, endMs: number): number[] {
  const found = new Set(terms.agesMs.map((age) => begunMs + age));
  if (terms.byClock) for (const ms of wallChanges(terms, zone, startMs, endMs)) found.add(ms);
  return Array.from(found)
    .filter((ms) => startMs < ms && ms < endMs)
    .sort((a, b) => a - b);
}

function* wallChanges(terms: Terms, zone: Zone, startMs: number, endMs: number): Generator<number> {
  const walls = new Set([0, ...terms.walls]);
  const last = zone.local(endMs).day;
  for (let { day } = zone.local(startMs); day <= last; day += 1) {
    for (const minutes of walls) yield* zone.moments(day * DAY_MS + minutes * MINUTE_MS);
  }
  for (let before = startMs; before < endMs; before += DAY_MS) {
    const after = Math.min(before + DAY_MS, endMs);
    if (zone.offset(before) !== zone.offset(after)) yield zone.jump(before, after);
  }
}

/** Those of the ordered moments that lie after `startMs` and before `endMs`. */
export function between(moments: readonly number[], startMs: number, endMs: number): readonly number[] {
  const first = bisectRight(moments, startMs, (a, b) => a - b);
  let last = first;
  while (last < moments.length && (moments[last] ?? endMs) < endMs) last += 1;
  return moments.slice(first, last);
}

/** How many of the ordered values are not above `value`. */
export function bisectRight<T>(values: readonly T[], value: T, compare: (a: T, b: T) => number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const there = values[middle];
    if (there !== undefined && compare(there, value) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
