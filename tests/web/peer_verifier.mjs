// Says of each line {"bundle": hex, "trust": text | null, "openings": [hex]} what the browser's verifier says.
import { createInterface } from "node:readline";

const v = await import(process.argv[2]);

const bytes = (digits) => Uint8Array.from(Buffer.from(digits, "hex"));
const text = (amount) => (amount === null ? null : amount.toString());

const priced = ({ tariff, priced: { currency, beforeTax, afterTax, taxes } }) => ({
  tariff,
  currency,
  total_excl_vat: text(beforeTax),
  total_incl_vat: text(afterTax ?? beforeTax),
  taxes: taxes.map(({ percent, net, tax }) => ({ percent: text(percent), net: text(net), tax: text(tax) })),
});

const named = (found) => Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ""));
const identified = ({ level, saidBy, ...rest }) => ({ level, ...named({ said_by: saidBy, ...rest }) });
const step = ({ number, ...rest }) => named({ step: number, ...rest });
const findings = (found) => [...new Map(found.map((one) => [JSON.stringify(one), named(one)])).values()];

function judged({ bundle, trust, openings }) {
  const believed = trust === null ? null : v.parseTrust(Buffer.from(trust));
  const shown = (openings ?? []).map((one) => v.openingFrom(v.decode(bytes(one))));
  const report = v.verifyBundle(bytes(bundle), believed, shown);
  return {
    verdict: report.verdict,
    grade: report.grade,
    source: report.source,
    energy_wh: text(report.energyWh),
    price: report.price === null ? null : priced(report.price),
    identification: report.identification === null ? null : identified(report.identification),
    steps: report.steps.map(step),
    records: report.records.map(({ findings: own, ...rest }) => ({ ...named(rest), findings: findings(own) })),
    findings: findings(report.findings),
    points: report.points.map(({ ms, registerWh }) => [ms, text(registerWh)]),
  };
}

/** What an `InputError` says, or what was asked. */
function attempt(ask) {
  try {
    return ask();
  } catch (error) {
    if (error instanceof v.InputError) return { code: error.code, subject: error.subject };
    return { thrown: `${error.stack}` };
  }
}

const QUESTIONS = {
  bundle: judged,
  item: ({ item, public_key, log_origin }) => {
    const parsed = v.parseItem(bytes(item));
    const leaf = v.leafEntry(parsed);
    const { origin, stream, epoch, seq } = parsed.payload;
    const key = public_key === undefined ? undefined : v.publicKey(bytes(public_key));
    const signed = key !== undefined && v.verifyItem(parsed, key, log_origin) ? "VALID" : "INVALID";
    return {
      signature: parsed.signature === null ? "UNSIGNED" : signed,
      payload_hash: v.hex(parsed.hash),
      place: [origin, stream, epoch, seq],
      leaf: leaf === null ? null : v.hex(leaf),
    };
  },
  opening: ({ of, opening }) => v.checkOpening(v.parseItem(bytes(of)).payload, v.openingFrom(v.decode(bytes(opening)))),
  items: ({ items }) => {
    const problem = v.checkChain(items.map((item) => v.parseItem(bytes(item))))[0];
    return problem === undefined ? null : { code: problem.code, index: problem.index };
  },
  cbor: ({ cbor }) => v.hex(v.encode(v.decode(bytes(cbor)))),
  vkey: ({ vkey }) => v.hex(v.parseVkey(vkey).keyId),
  note: ({ note, vkeys }) => {
    const { good, failed } = v.checkNote(v.parseNote(bytes(note)), vkeys.map(v.parseVkey));
    const names = good.map(([key]) => key.name);
    return [failed ? "INVALID" : names.length > 0 ? "VALID" : "UNKNOWN_KEY", names];
  },
  proof: ({ proof, entry, logs, witnesses }) => {
    const parsed = v.parseProof(bytes(proof));
    const ofLog = v.checkNote(parsed.checkpoint.note, logs.map(v.parseVkey).filter((key) => key.name === parsed.checkpoint.origin));
    const { good } = v.checkNote(parsed.checkpoint.note, witnesses.map(v.parseVkey));
    return {
      log: ofLog.failed ? "INVALID" : ofLog.good.length > 0 ? "VALID" : "UNKNOWN_KEY",
      included: v.includes(parsed, bytes(entry)),
      cosigned: good.map(([key, { signature }]) => [key.name, Number(v.cosignedAtS(signature))]),
    };
  },
  inclusion: ({ inclusion: [leaf, index, size, hashes, root] }) =>
    v.verifyInclusion(bytes(leaf), BigInt(index), BigInt(size), hashes.map(bytes), bytes(root)),
  signature: ({ signature, spki, message }) => v.verifies(v.publicKey(bytes(spki)), bytes(message), bytes(signature)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  const kind = Object.keys(QUESTIONS).find((name) => name in question);
  process.stdout.write(`${JSON.stringify(attempt(() => QUESTIONS[kind](question)) ?? null)}\n`);
}
