/** Minor units of money, and cutting a whole of them into parts (docs/adr/0009-rounding.md). */
import { compared, Decimal, fraction, subtracted, type Amount } from "../exact/decimal.js";

/** ISO 4217: 2 digits unless listed. */
const DIGITS: ReadonlyMap<string, number> = new Map([
  ...digits(0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
  ...digits(3, "BHD IQD JOD KWD LYD OMR TND"),
  ...digits(4, "CLF UYW"),
]);

function digits(count: number, currencies: string): [string, number][] {
  return currencies.split(" ").map((currency) => [currency, count]);
}

/** Digits of a currency's minor unit after the point. */
export function minorUnitDigits(currency: string): number {
  return DIGITS.get(currency) ?? 2;
}

/**
 * Cut `whole` minor units into one piece a share: each its share rounded down, what is left by the remainders, one by
 * one to the shares that lost most, the first of equals first, and only to those that are `able`; to all where none is.
 */
export function allotted(whole: bigint, shares: readonly Amount[], able: readonly boolean[]): bigint[] {
  const pieces = shares.map((share) => fraction(share).floor());
  const lost = shares.map((share, n) => subtracted(share, new Decimal(pieces[n] ?? 0n)));
  const takers = able.flatMap((can, n) => (can ? [n] : []));
  const order = (takers.length > 0 ? takers : shares.map((_, n) => n)).sort((a, b) => {
    const [one, other] = [lost[a], lost[b]];
    return one === undefined || other === undefined ? 0 : compared(other, one) || a - b;
  });
  const left = whole - pieces.reduce((sum, piece) => sum + piece, 0n);
  for (let turn = 0; turn < Math.abs(Number(left)); turn += 1) {
    const taker = order[turn % order.length] ?? 0;
    pieces[taker] = (pieces[taker] ?? 0n) + (left > 0n ? 1n : -1n);
  }
  return pieces;
}
