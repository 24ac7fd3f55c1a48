/** What a file comes to, for people: the verifier's report held against the figures that somebody shows. */
import { check as checkOcmf, keyBytes, looksLikeOcmf, type Checked } from "../evidence/index.js";
import { Decimal } from "../exact/decimal.js";
import { readTariff } from "../pricing/index.js";
import { decode, InputError, openingFrom, parseTrust, verifyBundle, type Opening, type Report } from "../verifier/index.js";
import { readTransparency, type SignedValue } from "./transparency.js";

/** Green, red, grey; amber where it holds and less was signed than there could be. */
export type Light = "good" | "weak" | "bad" | "grey";

/** The figures a page shows; digits as text. */
export interface Shown {
  readonly energyWh: string;
  readonly net: string;
  readonly charged: string;
  readonly currency: string;
  /** Whether a person decided on the bill, so that it need not be what the records come to. */
  readonly ruled: boolean;
}

/** A figure of the page that is not what the records say. */
export interface Difference {
  readonly figure: "energy" | "price";
  readonly shown: string;
  readonly found: string;
}

export interface BundleJudgement {
  readonly kind: "bundle";
  readonly light: Light;
  readonly report: Report;
  readonly differences: readonly Difference[];
}

export interface RecordsJudgement {
  readonly kind: "records";
  readonly light: Light;
  readonly records: readonly Checked[];
  /** Whose keys: those handed in, or the file's own claim, which says only that the file agrees with itself. */
  readonly keys: "given" | "file" | "none";
}

export interface Unreadable {
  readonly kind: "unreadable";
  readonly light: "bad";
  readonly reason: string;
}

export type Judgement = BundleJudgement | RecordsJudgement | Unreadable;

/** Judge a bundle; `shown` are the figures of the page that it must prove. */
export function judgeBundle(
  data: Uint8Array,
  trust: Uint8Array | null,
  openings: readonly Opening[] = [],
  shown: Shown | null = null,
): BundleJudgement {
  const report = verifyBundle(data, trust === null ? null : parseTrust(trust), openings, readTariff);
  const differences = report.verdict === "VALID" && shown !== null ? differencesOf(report, shown) : [];
  return { kind: "bundle", light: lightOf(report, differences, shown), report, differences };
}

function lightOf(report: Report, differences: readonly Difference[], shown: Shown | null): Light {
  if (report.verdict === "INVALID" || report.verdict === "UNREADABLE") return "bad";
  if (report.verdict === "INCOMPLETE") return "grey";
  if (differences.length > 0) return shown?.ruled === true ? "weak" : "bad";
  const signed = report.source === "meter" || report.source === "station" || report.source === "edge";
  return signed && report.grade !== "G0" && report.grade !== "G1" ? "good" : "weak";
}

function differencesOf(report: Report, shown: Shown): Difference[] {
  const found: Difference[] = [];
  const energy = report.energyWh;
  if (energy !== null && energy.compare(Decimal.of(shown.energyWh)) !== 0) {
    found.push({ figure: "energy", shown: `${shown.energyWh} Wh`, found: `${energy} Wh` });
  }
  const priced = report.price?.priced;
  if (priced === undefined) return found;
  const gross = priced.afterTax ?? priced.beforeTax;
  const same = gross.compare(Decimal.of(shown.charged)) === 0 && priced.beforeTax.compare(Decimal.of(shown.net)) === 0;
  if (!same || priced.currency !== shown.currency) {
    const figures = { shown: `${shown.charged} ${shown.currency}`, found: `${gross} ${priced.currency}` };
    found.push({ figure: "price", ...figures });
  }
  return found;
}

/** Judge a file that somebody dropped: a bundle, an OCMF record, or a transparency file of such records. */
export function judgeFile(data: Uint8Array, trust: Uint8Array | null, keyText: string): Judgement {
  try {
    if (data[0] === 0x3c || data[0] === 0xef) return judgeRecords(readTransparency(data), keyText);
    if (looksLikeOcmf(data)) return judgeRecords(linesOf(data).map((raw) => ({ data: raw, key: null })), keyText);
    return judgeBundle(data, trust);
  } catch (error) {
    if (error instanceof InputError) return { kind: "unreadable", light: "bad", reason: error.code };
    throw error;
  }
}

function judgeRecords(values: readonly SignedValue[], keyText: string): RecordsJudgement {
  const given = keyText.trim() === "" ? null : keyBytes(keyText);
  if (given === null && keyText.trim() !== "") throw new InputError("no public key", "bad_key", "key");
  const records = values.map(({ data, key }) => checkOcmf(data, keysOf(given, key)));
  const keys = given !== null ? "given" : values.some(({ key }) => key !== null) ? "file" : "none";
  return { kind: "records", light: recordsLight(records, keys), records, keys };
}

function keysOf(given: Uint8Array | null, own: Uint8Array | null): Uint8Array[] {
  const key = given ?? own;
  return key === null ? [] : [key];
}

function recordsLight(records: readonly Checked[], keys: RecordsJudgement["keys"]): Light {
  if (records.length === 0 || records.some(({ verdict }) => verdict === "INVALID" || verdict === "UNREADABLE")) return "bad";
  if (records.some(({ verdict }) => verdict !== "VALID")) return "grey";
  return keys === "given" ? "good" : "weak";
}

/** One record a line; a file of one record may end in a line break. */
function linesOf(data: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  let start = 0;
  data.forEach((byte, at) => {
    if (byte === 0x0a) {
      found.push(data.subarray(start, at));
      start = at + 1;
    }
  });
  const lines = [...found, data.subarray(start)].filter((line) => line.some((byte) => byte > 0x20));
  return lines.every(looksLikeOcmf) ? lines : [data];
}

/** The openings in an address's fragment (docs/spec/bundle.md, "Openings in a link"); none where there are none. */
export function openingsIn(fragment: string): Opening[] {
  const match = /^#?open=([A-Za-z0-9_-]+)$/.exec(fragment);
  if (match?.[1] === undefined) return [];
  const text = atob(match[1].replace(/-/g, "+").replace(/_/g, "/"));
  const value = decode(Uint8Array.from(text, (c) => c.charCodeAt(0)));
  if (!Array.isArray(value)) throw new InputError("openings are a list", "bad_cbor", "openings");
  return value.map(openingFrom);
}
