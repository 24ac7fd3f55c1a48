/** A price in the making: stretches of dimensions under the components that apply to them. */
import { fraction, Fraction, ONE, ZERO, type Amount, type Decimal } from "../exact/decimal.js";
import type { Zone } from "./clock.js";
import type { Tariff } from "./tariff.js";
import { rateOf, taxed } from "./taxes.js";
import { ENERGY, lacks, type Moment, type Option, type Terms } from "./terms.js";
import type { TraceLine } from "./trace.js";
import { TIMES, type Used } from "./used.js";

const HOUR_S = 3600n;
/** Any moment is as good as another under a tariff without conditions. */
const ANY: Moment = { local: { day: 0, clockMs: 0, weekday: 3 }, ageMs: 0, kwh: ZERO, power: null, current: null };

/** A stretch of one dimension under one component, or under none, that is still growing. */
export interface Line {
  readonly why: string;
  readonly dimension: string;
  readonly option: Option | null;
  readonly period: number | null;
  readonly fromMs: number;
  untilMs: number;
  quantity: Decimal;
}

export class Sheet {
  readonly tariff: Tariff;
  readonly terms: Terms;
  readonly zone: Zone;
  readonly begunMs: number;
  readonly expired: boolean;
  readonly lines: Line[] = [];
  readonly open = new Map<string, Line>();
  readonly unknown = new Set<string>();
  kwh: Decimal = ZERO;
  readonly #flats = new Set<string>();

  constructor(tariff: Tariff, terms: Terms, zone: Zone, begunMs: number, expired: boolean) {
    this.tariff = tariff;
    this.terms = terms;
    this.zone = zone;
    this.begunMs = begunMs;
    this.expired = expired;
  }

  /** What prices a dimension, in order; an expired reservation's own terms come first. */
  options(dimension: string): readonly Option[] {
    const found = this.terms.options.get(dimension) ?? [];
    return this.expired ? [...(this.terms.expired.get(dimension) ?? []), ...found] : found;
  }

  /** Price a stretch of one dimension by what applies when it begins; one like the last extends it. */
  take(dimension: string, quantity: Decimal, when: Moment, number: number, startMs: number, untilMs: number): void {
    const options = this.options(dimension);
    const option = this.first(options, when);
    const why = option === null ? (options.length > 0 ? "no_match" : "dimension_not_priced") : whyOf(dimension, options, option);
    const last = this.open.get(dimension);
    const joins = dimension === ENERGY || last?.untilMs === startMs;
    if (last !== undefined && joins && last.option === option && last.why === why) {
      last.quantity = last.quantity.plus(quantity);
      last.untilMs = Math.max(last.untilMs, untilMs);
      return;
    }
    const line: Line = { why, dimension, option, period: number, fromMs: startMs, untilMs, quantity };
    this.open.set(dimension, line);
    this.lines.push(line);
  }

  /** The first component whose condition holds; what would have to be known for that is noted. */
  first(options: readonly Option[], when: Moment): Option | null {
    for (const option of options) {
      const lacking = option.condition === null ? null : lacks(option.condition, when);
      if (lacking === null) return option;
      if (lacking !== "no") {
        this.unknown.add(`${lacking}_unknown:elements[${option.element}]`);
        return null;
      }
    }
    return null;
  }

  /** Charge the flat fee that applies now, unless one has been charged. */
  chargeFlat(dimension: string, when: Moment, used: Used, atMs: number): void {
    if (this.#flats.has(dimension)) return;
    const option = this.first(this.options(dimension), when);
    if (option === null) return;
    this.#flats.add(dimension);
    const period = used.number === 0 && atMs === used.startMs ? null : used.number;
    this.lines.push({ why: "flat_once", dimension, option, period, fromMs: atMs, untilMs: atMs, quantity: ONE });
  }

  /** What conditions are held against at a moment of a period. */
  moment(atMs: number, kwh: Decimal, used: Used): Moment {
    if (this.terms.conditions.length === 0) return ANY;
    const ageMs = Math.max(atMs - this.begunMs, 0);
    return { local: this.zone.local(atMs), ageMs, kwh, power: used.power, current: used.current };
  }

  /** A line with its amounts. */
  finish(line: Line): TraceLine {
    const { option } = line;
    const tax = this.tariff.taxIncluded;
    const unitPrice = option === null ? ZERO : option.component.price;
    const rate = option === null ? null : rateOf(option.component, tax);
    const sums = option === null ? { net: ZERO, gross: ZERO } : taxed(amountOf(line, unitPrice), rate, tax);
    const lasts = line.untilMs > line.fromMs;
    return {
      why: line.why,
      dimension: line.dimension,
      period: line.period,
      element: option === null ? null : option.element,
      component: option === null ? null : option.place,
      quantity: line.quantity,
      unitPrice,
      vatPercent: rate,
      beforeTax: sums.net,
      afterTax: sums.gross,
      fromMs: lasts ? line.fromMs : null,
      untilMs: lasts ? line.untilMs : null,
    };
  }
}

function whyOf(dimension: string, options: readonly Option[], option: Option): string {
  if (options.length > 1 || option.condition !== null) return "first_match";
  return dimension === ENERGY ? "only_energy_component" : "only_component";
}

function amountOf(line: Line, unitPrice: Decimal): Amount {
  if (!TIMES.includes(line.dimension)) return unitPrice.times(line.quantity);
  return fraction(unitPrice).times(fraction(line.quantity)).over(new Fraction(HOUR_S));
}
