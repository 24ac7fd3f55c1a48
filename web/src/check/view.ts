/** A judgement as elements of a page. Everything shown is set as text; what a file says is never markup. */
import type { Checked } from "../evidence/index.js";
import { shown as safe } from "../evidence/format.js";
import { added, Decimal, Fraction, rounded, type Amount } from "../exact/decimal.js";
import { isInt, isList, type Value } from "../verifier/dcbor.js";
import type { Identification, Report, Step } from "../verifier/index.js";
import type { BundleJudgement, Judgement, RecordsJudgement } from "./judge.js";
import type { Words } from "./words.js";

type Child = Node | string | null;

const DIGITS = 4;
const TIMES = ["TIME", "PARKING_TIME", "RESERVATION_TIME"];

export function el(name: string, kind = "", ...children: readonly Child[]): HTMLElement {
  const made = document.createElement(name);
  if (kind !== "") made.className = kind;
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** What a judgement says: a headline in its colour, why, and the whole way there to unfold. */
export function judgementView(found: Judgement, words: Words, bill: boolean): HTMLElement {
  if (found.kind === "bundle") return bundleView(found, words, bill);
  if (found.kind === "records") return recordsView(found, words);
  return verdictBox("bad", words.unreadable, reasonText(found.reason, words), []);
}

function bundleView({ light, report, differences }: BundleJudgement, words: Words, bill: boolean): HTMLElement {
  const ruled = differences.length > 0 && light === "weak";
  const details = differences.map((one) =>
    facts([
      [words.figures[one.figure], ""],
      [words.shownIs, one.shown],
      [words.foundIs, one.found],
    ]),
  );
  if (report.failure !== null) details.push(failureView(report.failure, words));
  const say = ruled ? words.explained.ruled : words.explained[light];
  const box = verdictBox(light, headline(report, light, ruled, words, bill), say, details);
  return el("div", "", box, ...(report.verdict === "VALID" ? [resultFacts(report, words)] : []), stepsView(report, words));
}

function headline(report: Report, light: BundleJudgement["light"], ruled: boolean, words: Words, bill: boolean): string {
  if (ruled) return words.ruled;
  if (light === "good") {
    const said = bill ? words.good : words.goodFile;
    return report.source === "meter" ? said.meter : said.station;
  }
  if (light === "bad") return bill ? words.bad : words.badFile;
  return light === "weak" ? words.weak : words.grey;
}

function failureView(failure: Step, words: Words): HTMLElement {
  const template = failure.result === "failed" ? words.failedAt : words.lacksAt;
  const title = filled(template, { number: String(failure.number), step: words.steps[failure.number] ?? "" });
  const told: [string, string][] = [[words.reason, reasonText(failure.reason, words)]];
  if (failure.field !== "") told.push([words.field, safe(failure.field)]);
  if (failure.record !== "") told.push([words.record, safe(failure.record)]);
  return el("div", "failure", el("p", "strong", title), facts(told));
}

function resultFacts(report: Report, words: Words): HTMLElement {
  const told: [string, string][] = [];
  if (report.energyWh !== null) told.push([words.energy, kWh(report.energyWh, words)]);
  const priced = report.price?.priced;
  if (priced !== undefined) told.push([words.price, money(priced.afterTax ?? priced.beforeTax, priced.currency, words)]);
  if (report.grade !== null) {
    const by = report.source === null ? "" : `; ${filled(words.signedBy, { source: words.sources[report.source] })}`;
    told.push([words.grade, `${report.grade}: ${words.grades[report.grade]}${by}`]);
  }
  if (report.identification !== null) told.push([words.whoCharged, identified(report.identification, words)]);
  return el("div", "found", facts(told));
}

/** The level, what it means and whose word it is; or why there is none. */
function identified({ level, basis, word, saidBy, meter }: Identification, words: Words): string {
  const signed = meter !== "" && basis !== "meter" ? `; ${filled(words.meterSigned, { level: meter })}` : "";
  if (level === null) return (words.notIdentified[basis] ?? "") + signed;
  const means = words.levels[level] ?? words.levelFailed;
  const whose = words.identifiedBy[word] ?? "";
  return `${level}: ${means}; ${filled(whose, { who: safe(saidBy) })}${signed}`;
}

function stepsView(report: Report, words: Words): HTMLElement {
  const list = el("ol", "steps");
  for (const one of report.steps) {
    const name = el("span", "name", words.steps[one.number] ?? "");
    const why = one.reason === "" ? null : el("span", "why", reasonText(one.reason, words));
    list.append(el("li", one.result, name, el("span", "result", words.results[one.result]), why));
  }
  const folded = document.createElement("details");
  folded.open = report.verdict !== "VALID";
  folded.append(el("summary", "", words.stepsTitle), list);
  return folded;
}

/** The price's trace, line by line; null where there is none. */
export function traceView(report: Report, words: Words): HTMLElement | null {
  const priced = report.price?.priced;
  if (priced === undefined) return null;
  const table = el("table", "trace");
  const header = el("tr", "", el("th", "", words.what), el("th", "", words.taken), el("th", "num", words.amount));
  const lines = priced.trace.flatMap((line) => traceLine(line, priced.currency, words) ?? []);
  const sums = [
    el("tr", "sum", el("td", "", words.total), el("td", "", ""), el("td", "num", money(priced.beforeTax, priced.currency, words))),
  ];
  if (priced.afterTax !== null) {
    const gross = money(priced.afterTax, priced.currency, words);
    sums.push(el("tr", "sum strong", el("td", "", words.withTax), el("td", "", ""), el("td", "num", gross)));
  }
  table.append(el("thead", "", header), el("tbody", "", ...lines), el("tfoot", "", ...sums));
  return el("section", "card", el("h2", "", words.traceTitle), el("p", "soft small", words.traceNote), table);
}

function traceLine(line: Value, currency: string, words: Words): HTMLElement | null {
  if (!isList(line)) return null;
  const [why, dimension, , , , quantity, unit, vat, net] = line;
  const [taken, each, rate, amount] = [quantity, unit, vat, net].map(amountOf);
  if (typeof why !== "string" || typeof dimension !== "string" || !taken || !each || !amount) return null;
  const name = el("td", "", words.dimensions[dimension] ?? dimension, el("br"), el("span", "soft small", words.whys[why] ?? why));
  const tax = rate && !isZero(rate) ? el("span", "soft small", `+ ${number(rate, 2, words)} % ${words.taxRate}`) : null;
  const free = why === "no_match" || why === "dimension_not_priced";
  const how = el("td", "", howMuch(dimension, taken, free ? null : each, currency, words), tax === null ? null : el("br"), tax);
  return el("tr", "", name, how, el("td", "num", money(amount, currency, words)));
}

/** How much was taken, and at which price; `each` null where it is free. */
function howMuch(dimension: string, taken: Amount, each: Amount | null, currency: string, words: Words): string {
  const price = each === null ? "" : `${number(each, DIGITS, words, 2)} ${currency}`;
  const [quantity, unit] = dimension === "ENERGY" ? [`${number(taken, DIGITS, words)} kWh`, "kWh"] : [duration(taken), "h"];
  if (dimension !== "ENERGY" && !TIMES.includes(dimension)) return price;
  return each === null ? quantity : `${quantity} × ${price}/${unit}`;
}

function duration(seconds: Amount): string {
  const whole = Number(rounded(seconds, 0).mantissa);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const parts = [hours > 0 ? `${hours} h` : "", minutes > 0 ? `${minutes} min` : "", rest > 0 ? `${rest} s` : ""];
  return parts.filter((part) => part !== "").join(" ") || "0 s";
}

function recordsView({ light, records, keys }: RecordsJudgement, words: Words): HTMLElement {
  const title = { good: words.recordsGood, weak: words.recordsOwn, bad: words.recordsBad, grey: words.recordsGrey }[light];
  const told = records.find(({ verdict }) => verdict !== "VALID");
  const failure = told === undefined ? [] : [facts([[words.reason, reasonText(told.reason, words)]])];
  const box = verdictBox(light, title, words.recordsExplained[light], failure);
  return el("div", "", box, ...records.slice(0, 50).map((one) => recordView(one, keys, words)));
}

function recordView(one: Checked, keys: RecordsJudgement["keys"], words: Words): HTMLElement {
  const said = one.meaning;
  const told: [string, string][] = [[words.key, words.keys[keys]]];
  if (said === null) return facts([[words.reason, reasonText(one.reason, words)], ...told]);
  told.unshift([words.meter, safe([said.meterSerial, said.gatewaySerial].filter((text) => text !== "").join(" / "))]);
  if (one.verdict === "VALID" && said.energyWh !== null) told.unshift([words.energy, kWh(said.energyWh, words)]);
  const notes = Array.from(new Set(said.findings.map(({ code }) => code)));
  if (notes.length > 0) told.push([words.findings, notes.join(", ")]);
  const rows = said.readings.slice(0, 100).map((reading) => {
    const at = reading.at === null ? "–" : new Date(reading.at.ms).toLocaleString(words.locale);
    const value = reading.valueWh === null ? "–" : kWh(reading.valueWh, words);
    return el("tr", "", el("td", "", at), el("td", "mono", safe(reading.register)), el("td", "num", value));
  });
  const header = el("tr", "", el("th", "", words.time), el("th", "", words.register), el("th", "num", words.value));
  const table = el("table", "", el("thead", "", header), el("tbody", "", ...rows));
  return el("div", "record", facts(told), el("h3", "", words.readingsTitle), table);
}

export function verdictBox(light: string, title: string, text: string, details: readonly Child[]): HTMLElement {
  const mark = { good: "✓", weak: "!", bad: "✕" }[light] ?? "…";
  const sign = el("span", "sign", mark);
  sign.setAttribute("aria-hidden", "true");
  return el("div", `verdict ${light}`, sign, el("div", "", el("h2", "", title), el("p", "", text), ...details));
}

function facts(told: readonly (readonly [string, string])[]): HTMLElement {
  return el("dl", "facts", ...told.flatMap(([name, text]) => [el("dt", "", name), el("dd", "", text)]));
}

function reasonText(code: string, words: Words): string {
  const text = words.reasons[code];
  return text === undefined ? safe(code) : `${text} (${code})`;
}

function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
}

function amountOf(value: Value | undefined): Amount | null {
  if (!isList(value)) return null;
  const [first, second, third] = value;
  if (!isInt(first) || !isInt(second)) return null;
  return isInt(third) ? new Fraction(BigInt(second), BigInt(third)) : new Decimal(BigInt(second), Number(first));
}

function isZero(amount: Amount): boolean {
  return rounded(amount, DIGITS).isZero;
}

function kWh(wh: Decimal, words: Words): string {
  return `${number(wh.shifted(-3), 3, words, 3)} kWh`;
}

function money(amount: Amount, currency: string, words: Words): string {
  return `${number(amount, DIGITS, words, 2)} ${currency}`;
}

/** At most `digits` after the point and at least `least`, with the language's own separators; exact, never a float. */
function number(amount: Amount, digits: number, words: Words, least = 0): string {
  const [whole = "0", rest = ""] = rounded(added(amount, new Decimal(0n)), digits).toString().split(".");
  const point = words.locale.startsWith("de") ? "," : ".";
  const kept = rest.replace(/0+$/, "").padEnd(least, "0");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  return kept === "" ? grouped : grouped + point + kept;
}
