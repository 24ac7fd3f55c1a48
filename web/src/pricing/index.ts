/** One price for everybody: what CPO, eMSP and verifier compute, computed again by whoever pays (docs/spec/pricing.md). */
import type { Value } from "../verifier/dcbor.js";
import type * as verifier from "../verifier/pricer.js";
import { Zone } from "./clock.js";
import { needsReadings, periods, type Point } from "./periods.js";
import { price } from "./price.js";
import { tariffFrom, traceToValue } from "./read.js";
import { Incomplete, type Tariff } from "./tariff.js";
import type { Priced } from "./trace.js";

export { Decimal, Fraction } from "../exact/decimal.js";
export { Zone } from "./clock.js";
export { needsReadings, periods, type Point } from "./periods.js";
export { price } from "./price.js";
export { tariffFrom, traceToValue } from "./read.js";
export { Incomplete, type ChargingPeriod, type Tariff } from "./tariff.js";
export type { Priced, TaxShare, TraceLine } from "./trace.js";

/** Price one charge from its points, first the start, last the end. */
export function priceCharge(tariff: Tariff, points: readonly Point[]): Priced | Incomplete {
  const [found, zone] = [periods(points, tariff), Zone.of(tariff.timeZone)];
  if (found instanceof Incomplete) return found;
  return zone === null ? new Incomplete(["time_zone"]) : price(tariff, found, zone);
}

/** What the verifier asks of who prices a charge. */
export function readTariff(value: Value | undefined): verifier.Terms {
  const tariff = tariffFrom(value);
  return {
    id: tariff.id,
    needsReadings: needsReadings(tariff),
    price(points): verifier.Priced | verifier.Incomplete {
      const found = priceCharge(tariff, points);
      if (found instanceof Incomplete) return found;
      const { total, currency, taxes, trace } = found;
      return { currency, ...total, taxes, trace: traceToValue(trace) };
    },
  };
}
