/**
 * From what a meter read to charging periods (docs/spec/pricing.md, "From readings to periods").
 *
 * They begin wherever the price may change, and say how long the car charged and how long it stood.
 */
import { Decimal, fraction, Fraction, InexactError, ZERO } from "../exact/decimal.js";
import { between, bisectRight, changes, inSpan, tooMuch, Zone } from "./clock.js";
import { Incomplete, type ChargingPeriod, type Dimension, type Tariff } from "./tariff.js";
import { ENERGY, holdsByClock, PARKING_TIME, TIME, termsOf, type Terms } from "./terms.js";

/** Time that is neither charging nor parking: the grace of a car that stands, or none at all. */
const NEITHER = "";
const POWER_DIGITS = 7;
const KWH_POWER = 3;

/** A register of energy at a moment, in Unix milliseconds and Wh; null where it is not shown. */
export interface Point {
  readonly ms: number;
  readonly registerWh: Decimal | null;
}

interface Known {
  readonly ms: number;
  readonly registerWh: Decimal;
}

type Power = readonly [Decimal, Decimal] | null;

/** A stretch of time in which nothing changes, the energy that counts at its beginning, and the bounds of power. */
interface Piece {
  readonly key: string;
  readonly kind: string;
  readonly startMs: number;
  endMs: number;
  wh: Decimal;
  power: Power;
}

/** Whether a price under the tariff depends on more than start, end and their registers. */
export function needsReadings(tariff: Tariff): boolean {
  return termsOf(tariff)[0].byReadings;
}

/** The charging periods of a session from its points, first the start, last the end, in order of time. */
export function periods(points: readonly Point[], tariff: Tariff): readonly ChargingPeriod[] | Incomplete {
  const [terms, wrong] = termsOf(tariff);
  const problems = [...wrong, ...problemsOf(points, terms.byReadings)];
  const zone = Zone.of(tariff.timeZone);
  const [startMs, endMs] = [points[0]?.ms ?? 0, points[points.length - 1]?.ms ?? 0];
  if (zone === null) problems.push("time_zone");
  else if (problems.length === 0) problems.push(...spanProblems(terms, points.length, startMs, endMs));
  if (problems.length > 0 || zone === null) return new Incomplete(problems);
  const matter = terms.byReadings ? points : [points[0], points[points.length - 1]];
  const known = matter.flatMap((p) => (p?.registerWh ? [{ ms: p.ms, registerWh: p.registerWh }] : []));
  try {
    const cutter = new Cutter(terms, zone, known, Number(tariff.idleGraceS) * 1000);
    const pieces = terms.byReadings ? cutter.cut() : cutter.energyAlone();
    if (cutter.unknown !== null) return new Incomplete([`power_unknown:points[${cutter.unknown}]`]);
    return pieces.map((piece) => periodOf(piece, tariff.id, terms.byReadings));
  } catch (error) {
    if (error instanceof InexactError) return new Incomplete(["precision"]);
    throw error;
  }
}

function spanProblems(terms: Terms, points: number, startMs: number, endMs: number): string[] {
  if (!inSpan(startMs, terms.byReadings ? endMs : startMs)) return ["time_span"];
  return terms.byReadings && tooMuch(terms, points, startMs, endMs) ? ["too_much"] : [];
}

/** Name what is missing or contradictory in the points that matter. */
function problemsOf(points: readonly Point[], byReadings: boolean): string[] {
  if (points.length < 2) return ["points_missing"];
  const problems: string[] = [];
  const numbered = points.map((point, number) => ({ point, number }));
  const matter = byReadings ? numbered : numbered.filter(({ number }) => number === 0 || number === points.length - 1);
  matter.forEach(({ point, number }, n) => {
    if (point.registerWh === null) problems.push(`register_missing:points[${number}]`);
    const before = matter[n - 1]?.point;
    if (before === undefined) return;
    if (byReadings && point.ms < before.ms) problems.push(`time_backwards:points[${number}]`);
    if (before.registerWh && point.registerWh && point.registerWh.compare(before.registerWh) < 0) {
      problems.push(`register_backwards:points[${number}]`);
    }
  });
  return problems;
}

class Cutter {
  unknown: number | null = null;
  readonly #terms: Terms;
  readonly #points: readonly Known[];
  readonly #starts: readonly number[];
  /** Numbers what holds by the clock from each of the starts on. */
  readonly #states: readonly number[];
  readonly #amountsWh: readonly Decimal[];
  readonly #pieces: Piece[] = [];
  #graceMs: number;

  constructor(terms: Terms, zone: Zone, points: readonly Known[], graceMs: number) {
    const [begunMs, endMs] = [points[0]?.ms ?? 0, points[points.length - 1]?.ms ?? 0];
    this.#terms = terms;
    this.#points = points;
    this.#graceMs = graceMs;
    this.#starts = [begunMs, ...(terms.byReadings ? changes(terms, zone, begunMs, begunMs, endMs) : [])];
    const known = new Map<string, number>();
    this.#states = this.#starts.map((ms) => {
      const local = zone.local(ms);
      const holds = terms.conditions.map((condition) => holdsByClock(condition, local, ms - begunMs)).join();
      if (!known.has(holds)) known.set(holds, known.size);
      return known.get(holds) ?? 0;
    });
    this.#amountsWh = terms.kwh.map((kwh) => kwh.times(new Decimal(1000n)));
  }

  /** Pieces without length: only how much there was in all matters. */
  energyAlone(): readonly Piece[] {
    const [first, last] = [this.#points[0], this.#points[this.#points.length - 1]];
    if (first === undefined || last === undefined) return [];
    this.#steps(ZERO, last.registerWh.minus(first.registerWh)).forEach((wh, number) => {
      this.#pieces.push({
        key: String(number),
        kind: NEITHER,
        startMs: first.ms,
        endMs: first.ms,
        wh,
        power: null,
      });
    });
    return this.#pieces;
  }

  /** The pieces of a session, like ones in a row as one. */
  cut(): readonly Piece[] {
    let reached = ZERO;
    this.#points.forEach((after, number) => {
      const before = this.#points[number - 1];
      if (before === undefined) return;
      const grown = after.registerWh.minus(before.registerWh);
      const power = this.#power(number, before.ms, after.ms, grown);
      reached = this.#energy(before.ms, after.ms, reached, grown, power);
      const band = this.#band(reached);
      for (const [kind, startMs, endMs] of this.#stretches(before.ms, after.ms, !grown.isZero)) {
        const bounds = [startMs, ...between(this.#starts, startMs, endMs), endMs];
        bounds.slice(1).forEach((high, n) => {
          this.#add(kind, bounds[n] ?? startMs, high, band, ZERO, power, false);
        });
      }
    });
    const startMs = this.#points[0]?.ms ?? 0;
    if (this.#pieces.length === 0) this.#add(NEITHER, startMs, startMs, 0, ZERO, null, false);
    return this.#pieces;
  }

  /** Count the energy of an interval at its beginning, split where an amount may change the price. */
  #energy(startMs: number, endMs: number, reached: Decimal, grown: Decimal, power: Power): Decimal {
    const whole = reached.plus(grown);
    const alone = endMs === startMs || this.#band(reached) !== this.#band(whole);
    let low = reached;
    for (const wh of grown.isZero ? [] : this.#steps(reached, whole)) {
      this.#add(alone ? NEITHER : TIME, startMs, startMs, this.#band(low), wh, power, alone);
      low = low.plus(wh);
    }
    return whole;
  }

  #band(wh: Decimal): number {
    return bisectRight(this.#amountsWh, wh, (a, b) => a.compare(b));
  }

  #steps(reached: Decimal, whole: Decimal): Decimal[] {
    const inside = this.#amountsWh.filter((amount) => reached.compare(amount) < 0 && amount.compare(whole) < 0);
    const bounds = [reached, ...inside, whole];
    return bounds.slice(1).map((high, n) => high.minus(bounds[n] ?? reached));
  }

  #stretches(startMs: number, endMs: number, charging: boolean): [string, number, number][] {
    if (startMs === endMs) return [];
    if (charging) return [[TIME, startMs, endMs]];
    const gracedMs = Math.min(this.#graceMs, endMs - startMs);
    this.#graceMs -= gracedMs;
    const found: [string, number, number][] = [];
    if (gracedMs > 0) found.push([NEITHER, startMs, startMs + gracedMs]);
    if (startMs + gracedMs < endMs) found.push([PARKING_TIME, startMs + gracedMs, endMs]);
    return found;
  }

  /** The interval's average power in kW, rounded down, where the tariff asks for it. */
  #power(number: number, startMs: number, endMs: number, grown: Decimal): Power {
    if (this.#terms.powersKw.length === 0) return null;
    if (startMs === endMs) {
      if (!grown.isZero) this.unknown ??= number;
      return [ZERO, ZERO];
    }
    const scale = new Fraction(3600n * 10n ** BigInt(POWER_DIGITS), BigInt(endMs - startMs));
    const power = new Decimal(fraction(grown).times(scale).floor(), -POWER_DIGITS);
    return [power, power];
  }

  /** Add a piece, or lengthen the last where this one is like it and follows it without a gap. */
  #add(
    kind: string,
    startMs: number,
    endMs: number,
    band: number,
    wh: Decimal,
    power: Power,
    apart: boolean,
  ): void {
    const state = this.#states[bisectRight(this.#starts, startMs, (a, b) => a - b) - 1] ?? 0;
    const level = power === null ? 0 : bisectRight(this.#terms.powersKw, power[0], (a, b) => a.compare(b));
    const key = [kind, state, band, level].join();
    const last = this.#pieces[this.#pieces.length - 1];
    if (last === undefined || apart || last.key !== key || last.endMs !== startMs) {
      this.#pieces.push({ key, kind, startMs, endMs, wh, power });
      return;
    }
    last.endMs = endMs;
    last.wh = last.wh.plus(wh);
    if (power !== null && last.power !== null) {
      const [[low, high], [mine]] = [last.power, power];
      last.power = [mine.compare(low) < 0 ? mine : low, power[1].compare(high) > 0 ? power[1] : high];
    }
  }
}

/** Where time matters, a piece that is neither charging nor parking has no TIME. */
function periodOf(piece: Piece, tariffId: string, timed: boolean): ChargingPeriod {
  const dimensions: Dimension[] = [{ type: ENERGY, volume: piece.wh.over(KWH_POWER) }];
  if (piece.kind !== NEITHER) dimensions.push({ type: piece.kind, volume: hours(piece.endMs - piece.startMs) });
  else if (timed) dimensions.push({ type: TIME, volume: ZERO });
  if (piece.power !== null) {
    const [least, most] = piece.power;
    dimensions.push({ type: "MIN_POWER", volume: least }, { type: "MAX_POWER", volume: most });
  }
  return { startMs: piece.startMs, dimensions, tariffId };
}

/** Milliseconds as hours of seven digits after the point, which give the milliseconds back. */
function hours(ms: number): Decimal {
  return new Decimal((50n * BigInt(ms) + 9n) / 18n, -7);
}
