// Says of each line {"bundle", "trust"} what the receipt's page finds: the verifier with its own pricing.
import { createInterface } from "node:readline";

const { judgeBundle } = await import(process.argv[2]);

const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const text = (value) => (value === null || value === undefined ? null : String(value));
const big = (_, one) => (typeof one === "bigint" ? { int: String(one) } : one);

for await (const line of createInterface({ input: process.stdin })) {
  const { bundle, trust } = JSON.parse(line);
  const { report, light } = judgeBundle(bytes(bundle), trust === null ? null : new TextEncoder().encode(trust));
  const { failure, price } = report;
  const told = {
    light,
    verdict: report.verdict,
    failure: failure && [failure.number, failure.reason, failure.field],
    energy_wh: text(report.energyWh),
    grade: report.grade,
    price: price && [
      price.tariff,
      price.priced.currency,
      text(price.priced.beforeTax),
      text(price.priced.afterTax),
      price.priced.taxes.map((share) => [text(share.percent), text(share.net), text(share.tax)]),
      price.priced.trace,
    ],
  };
  process.stdout.write(`${JSON.stringify(told, big)}\n`);
}
