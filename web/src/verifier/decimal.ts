/** Exact decimals as records write them: `[exponent, mantissa]`, digits kept as written. */

import { Decimal, magnitude } from "../exact/decimal.js";
import { isInt, isList, type Value } from "./dcbor.js";
import { CborError, InputError } from "./errors.js";

export { Decimal };

const PRECISION = 28;
const MAX_MANTISSA = 2n ** 63n;

/** Read [exponent, mantissa]; `CborError` names the field. */
export function decimalFrom(value: Value | undefined, name: string): Decimal {
  if (!isList(value) || value.length !== 2 || !isInt(value[0]) || !isInt(value[1])) {
    throw new CborError(`${name} is [exponent, mantissa]`, name);
  }
  const [exponent, mantissa] = [value[0], BigInt(value[1])];
  if (exponent < -32 || exponent > 32 || magnitude(mantissa) >= MAX_MANTISSA) {
    throw new InputError("decimal out of range", "bad_input", "decimal");
  }
  return new Decimal(mantissa, Number(exponent));
}

/** The difference of two registers with at most 28 digits, ties to even: none that a meter shows has more. */
export function difference(one: Decimal, other: Decimal): Decimal {
  const exact = one.minus(other);
  const excess = exact.digits - PRECISION;
  if (excess <= 0) {
    return exact;
  }
  const unit = 10n ** BigInt(excess);
  const whole = magnitude(exact.mantissa);
  const twice = (whole % unit) * 2n;
  const up = twice > unit || (twice === unit && (whole / unit) % 2n === 1n);
  const kept = whole / unit + (up ? 1n : 0n);
  const held = new Decimal(exact.mantissa < 0n ? -kept : kept, exact.exponent + excess);
  return held.digits > PRECISION ? new Decimal(held.mantissa / 10n, held.exponent + 1) : held;
}

/** As scientists write it where the exponent is above zero or there are many zeros behind the point. */
export function scientific(value: Decimal): string {
  if (value.exponent <= 0 && value.adjusted >= -6) {
    return value.toString();
  }
  const digits = magnitude(value.mantissa).toString();
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  const sign = value.mantissa < 0n ? "-" : "";
  return `${sign}${digits.slice(0, 1)}${fraction}E${value.adjusted < 0 ? "-" : "+"}${Math.abs(value.adjusted)}`;
}
