// Answers each line {"tariff", "periods" or "points", "zone"} with what the browser's pricing says, digits as written.
import { createInterface } from "node:readline";

const { Decimal, Fraction, Incomplete, Zone, periods, price, tariffFrom, traceToValue } = await import(process.argv[2]);

const decimal = (text) => {
  if (text === null) return null;
  const [mantissa, exponent] = text.split("e");
  return new Decimal(BigInt(mantissa), Number(exponent));
};
const written = (amount) => {
  if (amount === null) return null;
  return amount instanceof Fraction
    ? `${amount.numerator}/${amount.denominator}`
    : `${amount.mantissa}e${amount.exponent}`;
};
const whole = (text) => (text === null ? null : BigInt(text));
const money = (told) => told && { beforeTax: decimal(told[0]), afterTax: decimal(told[1]) };

function restrictions(told) {
  if (told === null) return null;
  const found = { ...told };
  for (const name of ["minKwh", "maxKwh", "minCurrentA", "maxCurrentA", "minPowerKw", "maxPowerKw"]) {
    found[name] = decimal(told[name]);
  }
  for (const name of ["minDurationS", "maxDurationS"]) found[name] = whole(told[name]);
  return found;
}

function tariff(told) {
  return {
    ...told,
    idleGraceS: BigInt(told.idleGraceS),
    minPrice: money(told.minPrice),
    maxPrice: money(told.maxPrice),
    elements: told.elements.map(([components, restricted]) => ({
      components: components.map(([type, amount, vat, step]) => ({
        type,
        price: decimal(amount),
        vatPercent: decimal(vat),
        stepSize: BigInt(step),
      })),
      restrictions: restrictions(restricted),
    })),
  };
}

/** The value that CBOR decodes to, from JSON: maps are {"map": pairs}, integers {"int": text}. */
function value(told) {
  if (Array.isArray(told)) return told.map(value);
  if (told === null || typeof told !== "object") return told;
  if (told.map) return new Map(told.map.map(([key, one]) => [key, value(one)]));
  const number = Number(told.int);
  return Number.isSafeInteger(number) ? number : BigInt(told.int);
}

const dimensions = (told) => told.map(([type, volume]) => ({ type, volume: decimal(volume) }));

function answer({ tariff: told, value: spelt, periods: stretches, points, zone }) {
  const direct = tariff(told);
  const by = spelt === null ? direct : tariffFrom(value(spelt));
  if (points !== undefined) {
    const found = periods(points.map(([ms, wh]) => ({ ms, registerWh: decimal(wh) })), by);
    if (found instanceof Incomplete) return found.what;
    return { periods: found.map((p) => [p.startMs, p.dimensions.map((d) => [d.type, written(d.volume)]), p.tariffId]) };
  }
  const read = stretches.map(([startMs, told, tariffId]) => ({ startMs, dimensions: dimensions(told), tariffId }));
  const found = price(by, read, Zone.of(zone));
  if (found instanceof Incomplete) return found.what;
  return {
    total: [written(found.total.beforeTax), written(found.total.afterTax), found.currency],
    trace: traceToValue(found.trace),
    taxes: found.taxes.map((share) => [written(share.percent), written(share.net), written(share.tax)]),
  };
}

const replacer = (_, one) => (typeof one === "bigint" ? { int: String(one) } : one);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)), replacer)}\n`);
}
