/** A tariff inside a TARIFF record's public field 1, and a price trace as bundles spell it (docs/spec/bundle.md). */
import { Fraction, type Amount, type Decimal } from "../exact/decimal.js";
import { isInt, isList, isMap, isText, type Fields, type Int, type Value } from "../verifier/dcbor.js";
import { decimalFrom } from "../verifier/decimal.js";
import { CborError } from "../verifier/errors.js";
import type { Price, PriceComponent, Restrictions, Tariff, TariffElement, TaxIncluded } from "./tariff.js";
import type { TraceLine } from "./trace.js";

const TAXES: readonly TaxIncluded[] = ["YES", "NO", "N/A"];
const RESERVATIONS = ["RESERVATION", "RESERVATION_EXPIRES"] as const;
const KNOWN = 14;
const DAYS = 7;
const DAY_MINUTES = 24n * 60n;
const DAY_MS = 86_400_000;
const MAX_MS = 2n ** 47n;

/** Read a tariff's map; a `CborError` names the field. */
export function tariffFrom(value: Value | undefined): Tariff {
  if (!isMap(value)) throw badTariff();
  const [country, party, id, currency, elements, updated] = [1, 2, 3, 4, 5, 6].map((n) => value.get(n));
  const texts = isText(country) && isText(party) && isText(id) && isText(currency);
  if (!texts || !isList(elements) || !(isInt(updated) || typeof updated === "boolean") || !known(value)) {
    throw badTariff();
  }
  const read = elements.map(elementFrom);
  momentFrom(updated);
  typed(value, 9, isText, "type");
  return {
    countryCode: country,
    partyId: party,
    id,
    currency,
    elements: read,
    taxIncluded: taxFrom(value.get(10)),
    minPrice: priceFrom(value.get(11), "min_price"),
    maxPrice: priceFrom(value.get(12), "max_price"),
    startMs: isGiven(value.get(7)) ? momentFrom(value.get(7)) : null,
    endMs: isGiven(value.get(8)) ? momentFrom(value.get(8)) : null,
    timeZone: typed(value, 13, isText, "time_zone") || "UTC",
    idleGraceS: BigInt(typed(value, 14, isInt, "idle_grace_s") ?? 0),
  };
}

function badTariff(): CborError {
  const text = "a tariff is {1: country, 2: party, 3: id, 4: currency, 5: elements, 6: updated}";
  return new CborError(text, "tariff");
}

/** Unix milliseconds of a time. */
function momentFrom(value: Value | undefined): number {
  if (!isInt(value) || value < 0 || BigInt(value) >= MAX_MS) throw new CborError("a time is Unix milliseconds", "time");
  return Number(value);
}

function taxFrom(value: Value | undefined): TaxIncluded {
  if (!isGiven(value)) return "NO";
  const found = isInt(value) ? TAXES[Number(value)] : undefined;
  if (found === undefined) throw new CborError("taxes are included 0, not 1, or not applicable 2", "tax_included");
  return found;
}

function priceFrom(value: Value | undefined, name: string): Price | null {
  if (!isGiven(value)) return null;
  if (!isList(value) || value.length !== 2) throw new CborError(`${name} is [before tax, after tax or null]`, name);
  const [before, after] = value;
  const beforeTax = decimalFrom(before, name);
  return { beforeTax, afterTax: after === null ? null : decimalFrom(after, name) };
}

function elementFrom(value: Value): TariffElement {
  if (isList(value)) return { components: value.map(componentFrom), restrictions: null };
  const [components, restrictions] = isMap(value) && value.size === 2 ? [value.get(1), value.get(2)] : [];
  if (!isList(components) || !isMap(restrictions)) {
    throw new CborError("an element is a list of components, or {1: components, 2: restrictions}", "element");
  }
  return { components: components.map(componentFrom), restrictions: restrictionsFrom(restrictions) };
}

function componentFrom(value: Value): PriceComponent {
  const [type, amount, vat, step] = isList(value) && value.length === 4 ? value : [];
  if (!isText(type) || !(isInt(step) || typeof step === "boolean")) {
    throw new CborError("a component is [type, price, vat, step size]", "component");
  }
  const vatPercent = vat === null ? null : decimalFrom(vat, "vat");
  return { type, price: decimalFrom(amount, "price"), vatPercent, stepSize: BigInt(step) };
}

function restrictionsFrom(value: Fields): Restrictions {
  if (!known(value)) {
    throw new CborError("a restriction that is not known here may restrict more than it seems", "restrictions");
  }
  const days = typed(value, 13, isList, "day_of_week") ?? [];
  const reservation = typed(value, 14, isInt, "reservation");
  const daysOfWeek = days.map((day) => (isInt(day) ? Number(day) : -1));
  if (daysOfWeek.some((day) => day < 0 || day >= DAYS)) {
    throw new CborError("days of the week count from 0, Monday", "day_of_week");
  }
  if (reservation !== null && RESERVATIONS[Number(reservation)] === undefined) {
    throw new CborError("a reservation is 0, or 1 once it has expired", "reservation");
  }
  const limit = (n: number, name: string): Decimal | null =>
    isGiven(value.get(n)) ? decimalFrom(value.get(n), name) : null;
  const seconds = (n: number, name: string): bigint | null => {
    const found = typed(value, n, isInt, name);
    return found === null ? null : BigInt(found);
  };
  return {
    minKwh: limit(5, "min_kwh"),
    maxKwh: limit(6, "max_kwh"),
    minCurrentA: limit(7, "min_current_a"),
    maxCurrentA: limit(8, "max_current_a"),
    minPowerKw: limit(9, "min_power_kw"),
    maxPowerKw: limit(10, "max_power_kw"),
    minDurationS: seconds(11, "min_duration_s"),
    maxDurationS: seconds(12, "max_duration_s"),
    startTime: timeFrom(value, 1, "start_time"),
    endTime: timeFrom(value, 2, "end_time"),
    startDate: dateFrom(value, 3, "start_date"),
    endDate: dateFrom(value, 4, "end_date"),
    daysOfWeek,
    reservation: reservation === null ? null : (RESERVATIONS[Number(reservation)] ?? null),
  };
}

function timeFrom(value: Fields, number: number, name: string): number | null {
  const minutes = typed(value, number, isInt, name);
  if (minutes === null) return null;
  if (minutes < 0 || BigInt(minutes) >= DAY_MINUTES) throw new CborError("a time of day is minutes from 0 to 1439", name);
  return Number(minutes);
}

function dateFrom(value: Fields, number: number, name: string): number | null {
  const text = typed(value, number, isText, name);
  if (text === null) return null;
  const ms = /^(?!0000)\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new CborError("a date is YYYY-MM-DD", name);
  }
  return Math.round(ms / DAY_MS);
}

function typed<T extends Value>(
  fields: Fields,
  number: number,
  is: (value: Value | undefined) => value is T,
  name: string,
): T | null {
  const found = fields.get(number);
  if (!isGiven(found)) return null;
  if (!is(found)) throw new CborError(`${name} has the wrong type`, name);
  return found;
}

function isGiven(value: Value | undefined): boolean {
  return value !== undefined && value !== null;
}

function known(value: Fields): boolean {
  return Array.from(value.keys()).every((key) => typeof key === "number" && key >= 1 && key <= KNOWN);
}

/** A bundle's field 7. */
export function traceToValue(trace: readonly TraceLine[]): Value[] {
  return trace.map((line) => {
    const value: Value[] = [
      line.why,
      line.dimension,
      line.period,
      line.element,
      line.component,
      spelt(line.quantity),
      spelt(line.unitPrice),
      line.vatPercent === null ? null : spelt(line.vatPercent),
      spelt(line.beforeTax),
      spelt(line.afterTax),
    ];
    return line.fromMs === null ? value : [...value, line.fromMs, line.untilMs];
  });
}

/** [exponent, mantissa] of a decimal; of a fraction in lowest terms [0, numerator, denominator]. */
function spelt(amount: Amount): Value {
  if (amount instanceof Fraction) return [0, narrow(amount.numerator), narrow(amount.denominator)];
  return [amount.exponent, narrow(amount.mantissa)];
}

function narrow(value: bigint): Int {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
