/** What a price is made of: the lines of its trace, and the price. */
import type { Amount, Decimal } from "../exact/decimal.js";
import type { Price } from "./tariff.js";

/** Dimension of the lines by which a minimum or maximum price corrects the sum of all others. */
export const SESSION = "SESSION";

/** One application of one component to a stretch of the session, or of a minimum or maximum price. */
export interface TraceLine {
  readonly why: string;
  readonly dimension: string;
  /** The charging period in which it begins, null for the session as a whole. */
  readonly period: number | null;
  /** Places in the tariff, null where nothing prices the dimension. */
  readonly element: number | null;
  readonly component: number | null;
  /** kWh of ENERGY, seconds of time, pieces of a FLAT. */
  readonly quantity: Decimal;
  /** Per kWh, hour or piece. */
  readonly unitPrice: Decimal;
  readonly vatPercent: Decimal | null;
  readonly beforeTax: Amount;
  readonly afterTax: Amount;
  /** Unix milliseconds, null where it has no length that is stated. */
  readonly fromMs: number | null;
  readonly untilMs: number | null;
}

/** A part of the total under one rate of tax. */
export interface TaxShare {
  readonly percent: Decimal | null;
  readonly net: Decimal;
  readonly tax: Decimal;
}

/** A session's price, rounded to the minor unit; the exact way there in `trace`. */
export interface Priced {
  readonly total: { readonly beforeTax: Decimal; readonly afterTax: Decimal } & Price;
  readonly currency: string;
  readonly trace: readonly TraceLine[];
  readonly taxes: readonly TaxShare[];
}
