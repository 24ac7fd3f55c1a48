/**
 * Exact numbers: decimals that keep their digits as written, and fractions where something was divided by.
 *
 * No floating point anywhere. Arithmetic that would lose a digit beyond 96 throws `InexactError`, as the rules of
 * pricing demand (docs/spec/pricing.md).
 */

/** Arithmetic that cannot be exact within the digits that are kept. */
export class InexactError extends Error {}

const MOST_DIGITS = 96;
const TEN = 10n;

/** mantissa x 10^exponent, exactly as written: "1.50" is 150 x 10^-2. */
export class Decimal {
  readonly mantissa: bigint;
  readonly exponent: number;

  constructor(mantissa: bigint, exponent = 0) {
    this.mantissa = mantissa;
    this.exponent = exponent;
  }

  /** Read `[+-]digits[.digits][e[+-]digits]`; anything else throws `RangeError`. */
  static of(text: string): Decimal {
    const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
    if (match === null) throw new RangeError("not a decimal");
    const [, sign = "", whole = "", part = "", power = "0"] = match;
    const mantissa = BigInt(whole + part);
    return new Decimal(sign === "-" ? -mantissa : mantissa, Number(power) - part.length);
  }

  /** How many digits the mantissa has; nought has one. */
  get digits(): number {
    return magnitude(this.mantissa).toString().length;
  }

  /** The power of ten of the first digit. */
  get adjusted(): number {
    return this.exponent + this.digits - 1;
  }

  get isZero(): boolean {
    return this.mantissa === 0n;
  }

  plus(other: Decimal): Decimal {
    const exponent = Math.min(this.exponent, other.exponent);
    return kept(this.scaled(exponent) + other.scaled(exponent), exponent);
  }

  minus(other: Decimal): Decimal {
    return this.plus(other.negated());
  }

  times(other: Decimal): Decimal {
    return kept(this.mantissa * other.mantissa, this.exponent + other.exponent);
  }

  /** Move the point: times 10^power, digits unchanged. */
  shifted(power: number): Decimal {
    return new Decimal(this.mantissa, this.exponent + power);
  }

  /** Divide by 10^power, keeping no more digits after the point than that takes. */
  over(power: number): Decimal {
    let { mantissa } = this;
    let exponent = this.exponent - power;
    while (exponent < this.exponent && mantissa % TEN === 0n) {
      mantissa /= TEN;
      exponent += 1;
    }
    return new Decimal(mantissa, exponent);
  }

  negated(): Decimal {
    return new Decimal(-this.mantissa, this.exponent);
  }

  /** -1, 0 or 1, by value: 1.50 is as much as 1.5. */
  compare(other: Decimal): number {
    const exponent = Math.min(this.exponent, other.exponent);
    return order(this.scaled(exponent), other.scaled(exponent));
  }

  /** The mantissa at a lower or equal exponent. */
  scaled(exponent: number): bigint {
    return this.mantissa * TEN ** BigInt(this.exponent - exponent);
  }

  /** Digits as they are, never with an exponent. */
  toString(): string {
    const sign = this.mantissa < 0n ? "-" : "";
    const text = magnitude(this.exponent > 0 ? this.scaled(0) : this.mantissa).toString();
    if (this.exponent >= 0) return sign + text;
    const padded = text.padStart(1 - this.exponent, "0");
    return `${sign}${padded.slice(0, this.exponent)}.${padded.slice(this.exponent)}`;
  }
}

export const ZERO = new Decimal(0n);
export const ONE = new Decimal(1n);

/** numerator / denominator in lowest terms, the denominator positive. */
export class Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;

  constructor(numerator: bigint, denominator = 1n) {
    const common = gcd(magnitude(numerator), magnitude(denominator)) * (denominator < 0n ? -1n : 1n);
    this.numerator = numerator / common;
    this.denominator = denominator / common;
  }

  plus(other: Fraction): Fraction {
    return new Fraction(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Fraction): Fraction {
    return this.plus(new Fraction(-other.numerator, other.denominator));
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  over(other: Fraction): Fraction {
    return new Fraction(this.numerator * other.denominator, this.denominator * other.numerator);
  }

  floor(): bigint {
    const whole = this.numerator / this.denominator;
    return this.numerator < 0n && whole * this.denominator !== this.numerator ? whole - 1n : whole;
  }
}

/** An exact amount: a fraction where hours or a tax that is included had to be divided by, else a decimal. */
export type Amount = Decimal | Fraction;

export function fraction(amount: Amount): Fraction {
  if (amount instanceof Fraction) return amount;
  return amount.exponent >= 0
    ? new Fraction(amount.scaled(0))
    : new Fraction(amount.mantissa, TEN ** BigInt(-amount.exponent));
}

export function added(first: Amount, second: Amount): Amount {
  if (first instanceof Decimal && second instanceof Decimal) return first.plus(second);
  return fraction(first).plus(fraction(second));
}

export function subtracted(first: Amount, second: Amount): Amount {
  if (first instanceof Decimal && second instanceof Decimal) return first.minus(second);
  return fraction(first).minus(fraction(second));
}

/** The exact sum of all. */
export function total(amounts: Iterable<Amount>): Amount {
  let decimals = ZERO;
  let fractions: Fraction | null = null;
  for (const amount of amounts) {
    if (amount instanceof Decimal) decimals = decimals.plus(amount);
    else fractions = fractions === null ? amount : fractions.plus(amount);
  }
  return fractions === null ? decimals : fraction(decimals).plus(fractions);
}

/** -1, 0 or 1, by value. */
export function compared(first: Amount, second: Amount): number {
  if (first instanceof Decimal && second instanceof Decimal) return first.compare(second);
  const [a, b] = [fraction(first), fraction(second)];
  return order(a.numerator * b.denominator, b.numerator * a.denominator);
}

export function isNought(amount: Amount): boolean {
  return amount instanceof Decimal ? amount.isZero : amount.numerator === 0n;
}

/** `amount` with so many digits after the point, a half away from zero. */
export function rounded(amount: Amount, digits: number): Decimal {
  const { numerator, denominator } = fraction(amount);
  const scaled = magnitude(numerator) * TEN ** BigInt(digits);
  const whole = (2n * scaled + denominator) / (2n * denominator);
  return new Decimal(numerator < 0n ? -whole : whole, -digits);
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function kept(mantissa: bigint, exponent: number): Decimal {
  const excess = magnitude(mantissa).toString().length - MOST_DIGITS;
  if (excess <= 0) return new Decimal(mantissa, exponent);
  const cut = TEN ** BigInt(excess);
  if (mantissa % cut !== 0n) throw new InexactError("more digits than are kept");
  return new Decimal(mantissa / cut, exponent + excess);
}

function order<T extends bigint | number>(first: T, second: T): number {
  if (first < second) return -1;
  return first > second ? 1 : 0;
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
