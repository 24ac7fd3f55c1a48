/** Tariffs in OCPI vocabulary, exact: prices in units of the currency, energy in kWh, times of day in minutes. */
import type { Decimal } from "../exact/decimal.js";

export type TaxIncluded = "YES" | "NO" | "N/A";

/** An amount before and after taxes; `afterTax` null where it was not stated. */
export interface Price {
  readonly beforeTax: Decimal;
  readonly afterTax: Decimal | null;
}

/** What one unit of a dimension costs; `stepSize` in Wh or seconds. */
export interface PriceComponent {
  readonly type: string;
  readonly price: Decimal;
  readonly vatPercent: Decimal | null;
  readonly stepSize: bigint;
}

/** When an element applies; null restricts nothing. Local wall time and days, minimum inclusive, maximum exclusive. */
export interface Restrictions {
  /** Minutes of the day. */
  readonly startTime: number | null;
  readonly endTime: number | null;
  /** Days since 1970-01-01. */
  readonly startDate: number | null;
  readonly endDate: number | null;
  readonly minKwh: Decimal | null;
  readonly maxKwh: Decimal | null;
  readonly minCurrentA: Decimal | null;
  readonly maxCurrentA: Decimal | null;
  readonly minPowerKw: Decimal | null;
  readonly maxPowerKw: Decimal | null;
  readonly minDurationS: bigint | null;
  readonly maxDurationS: bigint | null;
  /** 0 is Monday. */
  readonly daysOfWeek: readonly number[];
  readonly reservation: "RESERVATION" | "RESERVATION_EXPIRES" | null;
}

export interface TariffElement {
  readonly components: readonly PriceComponent[];
  readonly restrictions: Restrictions | null;
}

export interface Tariff {
  readonly countryCode: string;
  readonly partyId: string;
  readonly id: string;
  readonly currency: string;
  readonly elements: readonly TariffElement[];
  readonly taxIncluded: TaxIncluded;
  readonly minPrice: Price | null;
  readonly maxPrice: Price | null;
  /** Unix milliseconds. */
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** IANA name of the zone in which its times and days are meant. */
  readonly timeZone: string;
  /** For how long of a session a car may stand without charging before that counts as parking. */
  readonly idleGraceS: bigint;
}

/** From `startMs` to the next period's start or the session's end. */
export interface ChargingPeriod {
  readonly startMs: number;
  readonly dimensions: readonly Dimension[];
  readonly tariffId: string | null;
}

/** ENERGY in kWh, times in hours, others as OCPI says. */
export interface Dimension {
  readonly type: string;
  readonly volume: Decimal;
}

/** No price: sorted codes of docs/spec/pricing.md, with the place after a colon. */
export class Incomplete {
  readonly what: readonly string[];

  constructor(what: Iterable<string>) {
    this.what = Array.from(new Set(what)).sort();
  }
}
