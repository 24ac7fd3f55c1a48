// Says of each line {"record": hex, "records": [hex], "keys": [hex]} what the browser's reading of OCMF says of it.
import { createInterface } from "node:readline";

const { check, parse, meaningOf, Unreadable } = await import(process.argv[2]);

const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const text = (value) => (value === null ? null : value.toString());
const reading = (one) =>
  one && [
    one.at && [one.at.ms, one.at.offsetMinutes],
    one.clock,
    one.moment,
    one.register,
    one.direction,
    text(one.valueWh),
  ];
const meaning = (found) =>
  found && {
    serials: [found.meterSerial, found.gatewaySerial],
    page: found.page,
    readings: found.readings.map(reading),
    registers: found.registers.map((r) => [
      r.register,
      r.direction,
      reading(r.begin),
      reading(r.end),
      text(r.energyWh),
    ]),
    energy_wh: text(found.energyWh),
    findings: found.findings.map((f) => [f.code, f.field, f.detail]),
    texts: [found.identityType, found.identity, found.identityLevel, found.tariffText],
  };

function together(records) {
  try {
    return meaning(meaningOf(records.map(bytes).map(parse)));
  } catch (error) {
    if (error instanceof Unreadable) return error.code;
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { record, records, keys } = JSON.parse(line);
  if (records !== undefined) {
    process.stdout.write(`${JSON.stringify(together(records))}\n`);
    continue;
  }
  const found = check(bytes(record), keys.map(bytes));
  const key = found.key === null ? null : Buffer.from(found.key).toString("hex");
  process.stdout.write(`${JSON.stringify([found.verdict, found.reason, key, meaning(found.meaning)])}\n`);
}
