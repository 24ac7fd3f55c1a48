/** What the verifier asks of who prices a charge (docs/spec/pricing.md). */

import type { Value } from "./dcbor.js";
import type { Decimal } from "./decimal.js";

/** A register of energy at a moment, in Unix milliseconds and Wh; null where it is not shown. */
export interface Point {
  readonly ms: number;
  readonly registerWh: Decimal | null;
}

/** A part of the total under one rate of tax; `percent` null where it bears none. */
export interface TaxShare {
  readonly percent: Decimal | null;
  readonly net: Decimal;
  readonly tax: Decimal;
}

export interface Priced {
  readonly currency: string;
  readonly beforeTax: Decimal;
  readonly afterTax: Decimal | null;
  readonly taxes: readonly TaxShare[];
  /** The price trace in the bundle's spelling (docs/spec/bundle.md, "Price", trace-line). */
  readonly trace: readonly Value[];
}

/** Why there is no price: codes of docs/spec/pricing.md, the first of them named. */
export interface Incomplete {
  readonly what: readonly string[];
}

/** A tariff that has been read. */
export interface Terms {
  readonly id: string;
  /** Whether a price depends on more than start, end and their registers. */
  readonly needsReadings: boolean;
  /** Price a charge from its points, first the start, last the end. */
  price(points: readonly Point[]): Priced | Incomplete;
}

/** Reads field 1 of a tariff record's public fields (undefined: absent); a `CborError` names what is wrong. */
export type ReadTariff = (tariff: Value | undefined) => Terms;
