/**
 * From the lines of a trace to the price: limits, rounding, and the parts under each rate of tax.
 *
 * Exact sums, a minimum and a maximum on each of the two, one rounding each, half up; then the parts, so that they add
 * up to the total to the last minor unit (docs/adr/0009-rounding.md).
 */
import {
  added,
  compared,
  Decimal,
  fraction,
  isNought,
  ONE,
  rounded,
  subtracted,
  total,
  ZERO,
  type Amount,
} from "../exact/decimal.js";
import { allotted, minorUnitDigits } from "./money.js";
import type { Price, PriceComponent, Tariff, TaxIncluded } from "./tariff.js";
import { HUNDRED } from "./terms.js";
import { SESSION, type Priced, type TaxShare, type TraceLine } from "./trace.js";

/** Exact sums before and after tax. */
export interface Sums {
  readonly net: Amount;
  readonly gross: Amount;
}

/** The sums under each rate, by the rate's value. */
type Parts = ReadonlyMap<string, { readonly rate: Decimal | null } & Sums>;

/** The rate that a component bears; null where no tax applies or none is stated. */
export function rateOf(component: PriceComponent, tax: TaxIncluded): Decimal | null {
  return tax === "N/A" ? null : component.vatPercent;
}

/** An amount of the tariff before and after tax. */
export function taxed(amount: Amount, rate: Decimal | null, tax: TaxIncluded): Sums {
  const factor = HUNDRED.plus(rate ?? ZERO).shifted(-2);
  if (rate === null || rate.isZero) {
    return { net: amount, gross: amount instanceof Decimal ? amount.times(factor) : amount };
  }
  if (tax === "YES") return { net: fraction(amount).over(fraction(factor)), gross: amount };
  return { net: amount, gross: amount instanceof Decimal ? amount.times(factor) : amount.times(fraction(factor)) };
}

/** The price that the lines of a session come to; `limited`: minimum and maximum price apply. */
export function pricedOf(tariff: Tariff, lines: readonly TraceLine[], limited: boolean): Priced {
  let sums: Sums = { net: total(lines.map((l) => l.beforeTax)), gross: total(lines.map((l) => l.afterTax)) };
  let parts = partsOf(lines);
  const trace = Array.from(lines);
  const basis = basisOf(tariff);
  for (const [why, limit] of [["min_price", tariff.minPrice], ["max_price", tariff.maxPrice]] as const) {
    if (!limited || limit === null) continue;
    const held = withinLimit(sums, limit, basis, why === "min_price");
    if (compared(held.net, sums.net) === 0 && compared(held.gross, sums.gross) === 0) continue;
    trace.push(correction(why, limit, sums, held));
    parts = scaledParts(parts, sums, held, basis);
    sums = held;
  }
  const digits = minorUnitDigits(tariff.currency);
  const whole = { beforeTax: rounded(sums.net, digits), afterTax: rounded(sums.gross, digits) };
  return { total: whole, currency: tariff.currency, trace, taxes: shares(parts, whole, digits) };
}

/** The exact sums under each rate, of what something prices. */
function partsOf(lines: readonly TraceLine[]): Parts {
  const parts = new Map<string, { rate: Decimal | null } & Sums>();
  for (const line of lines) {
    if (line.element === null) continue;
    const known = parts.get(keyOf(line.vatPercent));
    const net = known === undefined ? line.beforeTax : added(known.net, line.beforeTax);
    const gross = known === undefined ? line.afterTax : added(known.gross, line.afterTax);
    parts.set(keyOf(line.vatPercent), { rate: known === undefined ? line.vatPercent : known.rate, net, gross });
  }
  return parts;
}

function keyOf(rate: Decimal | null): string {
  if (rate === null) return "";
  const { numerator, denominator } = fraction(rate);
  return `${numerator}/${denominator}`;
}

/** The rate of what a minimum price is for where nothing was used: that of the tariff's first component. */
function basisOf(tariff: Tariff): Decimal | null {
  const first = tariff.elements.flatMap(({ components }) => components)[0];
  return first === undefined ? null : rateOf(first, tariff.taxIncluded);
}

/** Hold a limit against both sums. Where it is not stated after tax, what changes bears tax as the rest does. */
function withinLimit(sums: Sums, limit: Price, basis: Decimal | null, least: boolean): Sums {
  const pick = (sum: Amount, bound: Amount): Amount => (compared(bound, sum) * (least ? 1 : -1) > 0 ? bound : sum);
  const net = pick(sums.net, limit.beforeTax);
  if (limit.afterTax !== null) return { net, gross: pick(sums.gross, limit.afterTax) };
  if (compared(net, sums.net) === 0) return sums;
  if (!isNought(sums.net)) {
    return { net, gross: fraction(sums.gross).times(fraction(net)).over(fraction(sums.net)) };
  }
  return { net, gross: added(sums.gross, taxed(limit.beforeTax, basis, "NO").gross) };
}

function correction(why: string, limit: Price, sums: Sums, held: Sums): TraceLine {
  return {
    why,
    dimension: SESSION,
    period: null,
    element: null,
    component: null,
    quantity: ONE,
    unitPrice: limit.beforeTax,
    vatPercent: null,
    beforeTax: subtracted(held.net, sums.net),
    afterTax: subtracted(held.gross, sums.gross),
    fromMs: null,
    untilMs: null,
  };
}

/** Spread what a limit changes over the rates, net and tax each in proportion; on `basis` where there is none. */
function scaledParts(parts: Parts, sums: Sums, held: Sums, basis: Decimal | null): Parts {
  const [tax, newTax] = [fraction(subtracted(sums.gross, sums.net)), fraction(subtracted(held.gross, held.net))];
  const [net, newNet] = [fraction(sums.net), fraction(held.net)];
  const alone = parts.size <= 1;
  const from: Parts = parts.size > 0 ? parts : new Map([[keyOf(basis), { rate: basis, net: ZERO, gross: ZERO }]]);
  const found = new Map<string, { rate: Decimal | null } & Sums>();
  for (const [key, part] of from) {
    const [partNet, partTax] = [fraction(part.net), fraction(subtracted(part.gross, part.net))];
    const spreadNet = isNought(net) ? partNet : partNet.times(newNet).over(net);
    const spreadTax = isNought(tax) ? partTax : partTax.times(newTax).over(tax);
    const [newPart, more] = alone ? [newNet, newTax] : [spreadNet, spreadTax];
    found.set(key, { rate: part.rate, net: newPart, gross: newPart.plus(more) });
  }
  return found;
}

/** The parts in minor units, by rising rate, no rate first; they add up to the whole. */
function shares(parts: Parts, whole: Priced["total"], digits: number): TaxShare[] {
  const sorted = Array.from(parts.values()).sort((a, b) => {
    if (a.rate === null || b.rate === null) return Number(a.rate !== null) - Number(b.rate !== null);
    return a.rate.compare(b.rate);
  });
  const [first] = sorted;
  if (sorted.length === 1 && first !== undefined) {
    return [{ percent: first.rate, net: whole.beforeTax, tax: whole.afterTax.minus(whole.beforeTax) }];
  }
  const net = sorted.map((part) => minor(part.net, digits));
  const tax = sorted.map((part) => minor(subtracted(part.gross, part.net), digits));
  const wholeNet = whole.beforeTax.mantissa;
  const nets = allotted(wholeNet, net, sorted.map(() => true));
  const taxes = allotted(
    whole.afterTax.mantissa - wholeNet,
    tax,
    sorted.map(({ rate }) => rate !== null && !rate.isZero),
  );
  return sorted.map(({ rate }, n) => ({
    percent: rate,
    net: new Decimal(nets[n] ?? 0n, -digits),
    tax: new Decimal(taxes[n] ?? 0n, -digits),
  }));
}

function minor(amount: Amount, digits: number): Amount {
  return amount instanceof Decimal ? amount.shifted(digits) : amount.times(fraction(new Decimal(1n, digits)));
}
