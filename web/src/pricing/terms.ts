/**
 * A tariff's terms, checked: what prices each dimension, in order, and the conditions it applies under.
 *
 * Reservations are priced apart: an element restricted to RESERVATION or RESERVATION_EXPIRES prices reserved time and
 * nothing else, and no other element does.
 */
import { compared, Decimal, magnitude, ZERO, type Amount } from "../exact/decimal.js";
import type { Local } from "./local.js";
import type { Price, PriceComponent, Restrictions, Tariff, TaxIncluded } from "./tariff.js";

export const [ENERGY, FLAT, TIME, PARKING_TIME] = ["ENERGY", "FLAT", "TIME", "PARKING_TIME"] as const;
export const [RESERVATION_TIME, RESERVATION_FLAT] = ["RESERVATION_TIME", "RESERVATION_FLAT"] as const;
export const HUNDRED = new Decimal(100n);
const DIMENSIONS: readonly string[] = [ENERGY, FLAT, TIME, PARKING_TIME];
const MEASURED = {
  minKwh: "min_kwh",
  maxKwh: "max_kwh",
  minCurrentA: "min_current_a",
  maxCurrentA: "max_current_a",
  minPowerKw: "min_power_kw",
  maxPowerKw: "max_power_kw",
} as const;
const DURATIONS = { minDurationS: "min_duration_s", maxDurationS: "max_duration_s" } as const;
const LARGEST = 2n ** 63n;
const EXPONENTS = 32;
const FEW_DIGITS = 16;

/** The least and the most that a power or a current was. */
export type Bounds = readonly [Amount, Amount];

type Limits = readonly [Decimal | null, Decimal | null];

/** When an element is looked for; energy in kWh, power in kW, current in A. */
export interface Moment {
  readonly local: Local;
  readonly ageMs: number;
  readonly kwh: Decimal;
  readonly power: Bounds | null;
  readonly current: Bounds | null;
}

/** When an element applies: all that is given holds. Minimum inclusive, maximum exclusive. */
export interface Condition {
  /** Minutes of the day. */
  readonly start: number | null;
  readonly end: number | null;
  readonly startDate: number | null;
  readonly endDate: number | null;
  readonly days: ReadonlySet<number>;
  readonly durationsMs: readonly [number | null, number | null];
  readonly kwh: Limits;
  readonly power: Limits;
  readonly current: Limits;
}

/** A component that prices a dimension under a condition (null: always), and its place in the tariff. */
export interface Option {
  readonly element: number;
  readonly place: number;
  readonly component: PriceComponent;
  readonly condition: Condition | null;
}

/** What a tariff says, and the moments, ages, energies and powers at which something may change. */
export interface Terms {
  readonly options: ReadonlyMap<string, readonly Option[]>;
  readonly expired: ReadonlyMap<string, readonly Option[]>;
  readonly walls: readonly number[];
  readonly byClock: boolean;
  readonly agesMs: readonly number[];
  readonly kwh: readonly Decimal[];
  readonly powersKw: readonly Decimal[];
  readonly conditions: readonly Condition[];
  /** Whether it matters what happened between a session's start and end. */
  readonly byReadings: boolean;
}

/** Whether time of day, date, day of the week and the session's age are as restricted. */
export function holdsByClock(c: Condition, local: Local, ageMs: number): boolean {
  if (c.start !== null || c.end !== null) {
    const after = c.start === null || local.clockMs >= c.start * 60_000;
    const before = c.end === null || local.clockMs < c.end * 60_000;
    const wraps = c.start !== null && c.end !== null && c.end < c.start;
    if (!(wraps ? after || before : after && before)) return false;
  }
  if (c.startDate !== null && local.day < c.startDate) return false;
  if (c.endDate !== null && local.day >= c.endDate) return false;
  if (c.days.size > 0 && !c.days.has(local.weekday)) return false;
  const [least, most] = c.durationsMs;
  return (least === null || ageMs >= least) && (most === null || ageMs < most);
}

/** "no" where it does not hold, "power" or "current" where that is not known well enough, else null. */
export function lacks(c: Condition, moment: Moment): "no" | "power" | "current" | null {
  const [least, most] = c.kwh;
  if ((least !== null && moment.kwh.compare(least) < 0) || (most !== null && moment.kwh.compare(most) >= 0)) return "no";
  if (!holdsByClock(c, moment.local, moment.ageMs)) return "no";
  const [power, current] = [within(c.power, moment.power), within(c.current, moment.current)];
  if (power === false || current === false) return "no";
  if (power === null) return "power";
  return current === null ? "current" : null;
}

/** Whether a quantity somewhere between `bounds` keeps within `limits`; null where that is not known. */
function within([least, most]: Limits, bounds: Bounds | null): boolean | null {
  if (least === null && most === null) return true;
  if (bounds === null) return null;
  const [low, high] = bounds;
  if ((least !== null && compared(high, least) < 0) || (most !== null && compared(low, most) >= 0)) return false;
  const surely = (least === null || compared(low, least) >= 0) && (most === null || compared(high, most) < 0);
  return surely ? true : null;
}

/** The terms and what is wrong with them, as codes with the place after a colon. */
export function termsOf(tariff: Tariff): readonly [Terms, string[]] {
  const problems = tariffProblems(tariff);
  const options = new Map<string, Option[]>();
  const expired = new Map<string, Option[]>();
  const conditions: Condition[] = [];
  tariff.elements.forEach(({ components, restrictions }, element) => {
    if (restrictions !== null) problems.push(...restrictionProblems(`elements[${element}]`, restrictions));
    const condition = restrictions === null ? null : conditionOf(restrictions);
    if (condition !== null) conditions.push(condition);
    const reservation = restrictions?.reservation ?? null;
    const group = reservation === "RESERVATION_EXPIRES" ? expired : options;
    const seen = new Set<string>();
    components.forEach((component, place) => {
      const where = `elements[${element}].price_components[${place}]`;
      problems.push(...componentProblems(where, component, tariff.taxIncluded));
      const kind = reservation === null ? component.type : reserved(component.type);
      if (!DIMENSIONS.includes(component.type) || kind === null) problems.push(`dimension:${where}`);
      else if (seen.has(kind)) problems.push(`second_component:${where}`);
      else {
        seen.add(kind);
        group.set(kind, [...(group.get(kind) ?? []), { element, place, component, condition }]);
      }
    });
  });
  return [gathered(options, expired, conditions), problems];
}

function reserved(type: string): string | null {
  if (type === TIME) return RESERVATION_TIME;
  return type === FLAT ? RESERVATION_FLAT : null;
}

function gathered(
  options: Map<string, Option[]>,
  expired: Map<string, Option[]>,
  conditions: readonly Condition[],
): Terms {
  const walls = numbers(conditions.flatMap((c) => [c.start, c.end]));
  const byDay = conditions.some((c) => c.days.size > 0 || c.startDate !== null || c.endDate !== null);
  const mine = [ENERGY, FLAT].flatMap((kind) => options.get(kind) ?? []);
  return {
    options,
    expired,
    walls,
    byClock: byDay || walls.length > 0,
    agesMs: numbers(conditions.flatMap((c) => c.durationsMs)).filter((age) => age !== 0),
    kwh: decimals(conditions.flatMap((c) => c.kwh)).filter((kwh) => !kwh.isZero),
    powersKw: decimals(conditions.flatMap((c) => c.power)),
    conditions,
    byReadings:
      options.has(TIME) ||
      options.has(PARKING_TIME) ||
      mine.some(({ condition }) => condition !== null && beyondEnergy(condition)),
  };
}

function numbers(values: readonly (number | null)[]): number[] {
  return Array.from(new Set(values.filter((value) => value !== null))).sort((a, b) => a - b);
}

function decimals(values: readonly (Decimal | null)[]): Decimal[] {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a.compare(b));
  return sorted.filter((value, n) => n === 0 || value.compare(sorted[n - 1] ?? value) !== 0);
}

/** Whether it restricts by anything but the energy of the session. */
function beyondEnergy(c: Condition): boolean {
  const limits = [c.start, c.end, c.startDate, c.endDate, ...c.durationsMs, ...c.power, ...c.current];
  return c.days.size > 0 || limits.some((limit) => limit !== null);
}

function conditionOf(r: Restrictions): Condition | null {
  const end = r.endTime === 0 ? null : r.endTime;
  const condition: Condition = {
    start: r.startTime === 0 && end === null ? null : r.startTime,
    end,
    startDate: r.startDate,
    endDate: r.endDate,
    days: new Set(r.daysOfWeek),
    durationsMs: [milliseconds(r.minDurationS), milliseconds(r.maxDurationS)],
    kwh: [r.minKwh, r.maxKwh],
    power: [r.minPowerKw, r.maxPowerKw],
    current: [r.minCurrentA, r.maxCurrentA],
  };
  return beyondEnergy(condition) || condition.kwh.some((kwh) => kwh !== null) ? condition : null;
}

/** Beyond what a session can last, one duration is as good as another. */
function milliseconds(seconds: bigint | null): number | null {
  return seconds === null ? null : Math.min(Number(seconds), 2 ** 40) * 1000;
}

function tariffProblems(tariff: Tariff): string[] {
  const problems = tariff.elements.length > 0 ? [] : ["elements_missing"];
  if (!/^[A-Z]{3}$/.test(tariff.currency)) problems.push("currency");
  if (tariff.idleGraceS < 0n) problems.push("idle_grace_s");
  const [least, most] = [tariff.minPrice, tariff.maxPrice];
  for (const [name, limit] of [["min_price", least], ["max_price", most]] as const) {
    if (limit === null) continue;
    problems.push(...numberProblems([limit.beforeTax, limit.afterTax]));
    if (limit.afterTax !== null && limit.beforeTax.compare(limit.afterTax) > 0) problems.push(`limits_contradict:${name}`);
  }
  if (least !== null && most !== null && problems.length === 0 && crossed(least, most)) {
    problems.push("limits_contradict:min_price");
  }
  return problems;
}

function crossed(least: Price, most: Price): boolean {
  const after = least.afterTax !== null && most.afterTax !== null && least.afterTax.compare(most.afterTax) > 0;
  return after || least.beforeTax.compare(most.beforeTax) > 0;
}

function componentProblems(where: string, component: PriceComponent, tax: TaxIncluded): string[] {
  const problems = numberProblems([component.price]);
  const stepped = component.type !== FLAT && DIMENSIONS.includes(component.type);
  if (stepped && component.stepSize < 1n) problems.push(`step_size:${where}`);
  const vat = component.vatPercent;
  if (vat === null) return problems;
  const most = tax === "N/A" ? ZERO : HUNDRED;
  if (vat.mantissa < 0n || vat.compare(most) > 0) problems.push(`vat:${where}`);
  else if (!fits(vat)) problems.push("precision");
  return problems;
}

/** Name what cannot be held against a session. */
function restrictionProblems(where: string, r: Restrictions): string[] {
  const problems: string[] = [];
  if (r.startTime !== null && r.startTime === r.endTime && r.endTime !== 0) {
    problems.push(`restriction:${where}.end_time`);
  }
  const told: string[] = [];
  for (const [key, name] of Object.entries(MEASURED) as [keyof typeof MEASURED, string][]) {
    if (r[key] === null) continue;
    told.push(name);
    problems.push(...numberProblems([r[key]]));
  }
  for (const [key, name] of Object.entries(DURATIONS) as [keyof typeof DURATIONS, string][]) {
    const seconds = r[key];
    if (seconds === null) continue;
    told.push(name);
    if (seconds < 0n || seconds >= LARGEST) problems.push(`restriction:${where}.${name}`);
  }
  if (r.reservation !== null) problems.push(...told.map((name) => `restriction:${where}.${name}`));
  return problems;
}

function numberProblems(values: readonly (Decimal | null)[]): string[] {
  return values.some((value) => value !== null && !fits(value)) ? ["precision"] : [];
}

/** Whether a record can hold a number: a mantissa below 2^63 and an exponent within 32, or few digits of some size. */
export function fits(number: Decimal): boolean {
  const { adjusted, exponent } = number;
  if (-FEW_DIGITS < adjusted && adjusted < EXPONENTS) {
    const significant = magnitude(number.mantissa).toString().replace(/0+$/, "");
    if (significant.length <= FEW_DIGITS) return true;
  }
  return Math.abs(exponent) <= EXPONENTS && magnitude(number.mantissa) < LARGEST;
}
