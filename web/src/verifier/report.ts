/** What the verifier says: numbered steps, records, a verdict and a grade. */

import type { Finding, Verdict } from "../evidence/format.js";
import type { Bundle } from "./bundle.js";
import type { Decimal } from "./decimal.js";
import type { Content } from "./groups.js";
import type { Item } from "./item.js";
import type { Point, Priced } from "./pricer.js";

export type Outcome = "VALID" | "INVALID" | "INCOMPLETE" | "UNREADABLE";
export type StepResult = "ok" | "failed" | "incomplete" | "not_reached";
export type Grade = "G0" | "G1" | "G2" | "G3" | "G4";
/** Who signed what a grade rests on. */
export type Source = "meter" | "station" | "edge" | "csms";

export const STEP_NAMES = [
  "limits and strict parse",
  "suite",
  "keys entitled",
  "signatures",
  "chain",
  "commitments",
  "foreign evidence",
  "continuity",
  "inclusion",
  "checkpoint and witnesses",
  "authorisation",
  "price",
  "grade",
] as const;

/** One step: `reason` is a message code, `field` and `record` name the place where it failed or what is missing. */
export interface Step {
  readonly number: number;
  readonly result: StepResult;
  readonly reason: string;
  readonly field: string;
  readonly record: string;
}

/** What was found of one record: its signature's verdict, and findings on its meaning. */
export interface RecordReport {
  readonly verdict: Verdict;
  readonly format: string;
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly record: string;
  readonly kind: string;
  readonly signer: string;
}

/** What a bundle's records come to under the tariff that was agreed; `tariff` is its id. */
export interface Repriced {
  readonly tariff: string;
  readonly priced: Priced;
}

/** Whose word a level is: nobody's but the operator's, or somebody else's. */
export type Word = "operator" | "decider" | "recorder" | "meter" | "";

/** How sure it is who charged. */
export interface Identification {
  /** A level of OCMF; null where none follows from what is shown. */
  readonly level: string | null;
  readonly basis: "decision" | "token" | "meter" | "hidden" | "not_told";
  readonly word: Word;
  readonly saidBy: string;
  /** The hash of what was shown, by which the decision calls it; "" where there is none. */
  readonly reference: string;
  /** What the meter signed, whether or not it counts; "" where nothing. */
  readonly meter: string;
}

/** What of a bundle may be read: only content whose commitment holds. */
export interface Shown {
  readonly bundle: Bundle;
  /** The content of a group of a record, undefined where it is not shown or does not match its commitment. */
  content(item: Item, gid: number): Content | undefined;
}

/** The verifier's whole answer. */
export interface Report {
  readonly verdict: Outcome;
  readonly steps: readonly Step[];
  readonly records: readonly RecordReport[];
  readonly grade: Grade | null;
  readonly source: Source | null;
  readonly energyWh: Decimal | null;
  readonly findings: readonly Finding[];
  /** What a price is made from, of a bundle that is VALID; start first. */
  readonly points: readonly Point[];
  /** The price recomputed, where step 11 was reached and something states one. */
  readonly price: Repriced | null;
  /** How sure it is who charged, of a bundle that is VALID. */
  readonly identification: Identification | null;
  /** The first step that failed, or else the first that lacks something. */
  readonly failure: Step | null;
  /** Null where the bundle is UNREADABLE. */
  readonly shown: Shown | null;
}
