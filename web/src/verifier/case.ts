/** What the verifier has found out so far about one bundle. */

import type { Finding, Verdict } from "../evidence/format.js";
import type { Bundle } from "./bundle.js";
import { hex, same } from "./bytes.js";
import type { Int } from "./dcbor.js";
import type { Decimal } from "./decimal.js";
import type { Meter } from "./fields.js";
import type { Content, Opening } from "./groups.js";
import { Kind, kindName, placeText, type Item } from "./item.js";
import type { Point, ReadTariff } from "./pricer.js";
import type { TlogProof } from "./proof.js";
import { partyOf, type Entry, type Registry } from "./registry.js";
import type { Grade, RecordReport, Repriced, Source, StepResult } from "./report.js";
import type { Trust } from "./trust.js";

/** Why a step did not hold, or what it lacks. */
export interface Trouble {
  readonly result: StepResult;
  readonly reason: string;
  readonly field: string;
  readonly record: string;
}

/** Whether two records are of one transaction, or both of none. */
export function sameSubject(one: Item | undefined, other: Item): boolean {
  const [first, second] = [one?.payload.subject ?? null, other.payload.subject];
  return first === null || second === null ? first === second : same(first, second);
}

/** Say that a step failed, at a field of a record. */
export function failed(reason: string, field: string, item?: Item): Trouble {
  return { result: "failed", reason, field, record: item === undefined ? "" : placeText(item.payload) };
}

/** Say what is missing: trust, opening, checkpoint, authorisation, tariff, or somebody to read or price it. */
export function lacking(reason: string, field: string, item?: Item): Trouble {
  return { result: "incomplete", reason, field, record: item === undefined ? "" : placeText(item.payload) };
}

/** A finding; `field` is what it is about, `detail` its parameters. */
export function finding(code: string, field = "", detail = ""): Finding {
  return { code, field, detail };
}

/** A readable register of the transaction, with its record. */
export type Register = readonly [item: Item, meter: Meter];

/** Values by bytes. */
export class ByBytes<T> {
  readonly #values = new Map<string, T>();

  get(key: Uint8Array): T | undefined {
    return this.#values.get(hex(key));
  }

  set(key: Uint8Array, value: T): void {
    this.#values.set(hex(key), value);
  }

  values(): T[] {
    return [...this.#values.values()];
  }
}

/** One bundle under examination; filled step by step. */
export class Case {
  readonly bundle: Bundle;
  readonly trust: Trust | null;
  readonly proofs: readonly TlogProof[];
  readonly openings: readonly Opening[];
  readonly readTariff: ReadTariff | null;
  /** Every item of the bundle by payload hash, chain first. */
  readonly items = new ByBytes<Item>();
  readonly signers = new ByBytes<Entry>();
  readonly verdicts = new ByBytes<Verdict>();
  readonly findings: Finding[] = [];
  readonly evidence: RecordReport[] = [];
  /** The readable registers of the transaction in chain order; filled in step 6. */
  registers: readonly Register[] = [];
  registry: Registry | null = null;
  /** Whether every signer is enrolled. */
  entitled = false;
  linksCovered = false;
  cosigners: ReadonlySet<string> = new Set();
  cosignedInTime = false;
  source: Source | null = null;
  grade: Grade | null = null;
  /** Whose meters' signatures were found in a record, by its payload hash. */
  readonly meterKeys = new ByBytes<readonly Entry[]>();
  meterSigned = false;
  /** What the meter signed, where the CSMS's registers are the same but for rounding to whole Wh. */
  meterEnergyWh: Decimal | null = null;
  meterComplete = false;
  meterParty: string | null = null;
  /** How surely somebody was identified, as meters signed with a start or end, one a record. */
  readonly meterLevels: { readonly signer: string; readonly level: string }[] = [];
  energyWh: Decimal | null = null;
  points: readonly Point[] | null = null;
  price: Repriced | null = null;
  readonly #contents = new Map<string, Content>();

  constructor(
    bundle: Bundle,
    proofs: readonly TlogProof[],
    trust: Trust | null,
    openings: readonly Opening[],
    readTariff: ReadTariff | null,
  ) {
    [this.bundle, this.proofs, this.trust] = [bundle, proofs, trust];
    [this.openings, this.readTariff] = [openings, readTariff];
    [...bundle.items, ...bundle.others].forEach((item) => this.items.set(item.hash, item));
  }

  /** Every signed record of the bundle, chain first. */
  signed(): Item[] {
    return [...this.bundle.items, ...this.bundle.others].filter((item) => item.signature !== null);
  }

  /** The first record of a kind in the chain that is of the transaction of the first start or end there. */
  ofKind(kind: number): Item | undefined {
    return this.bundle.items.find((item) => item.payload.kind === kind && this.isOwn(item));
  }

  /**
   * Whether a record is of the same transaction as the chain's first start or end. Others may lie in between: a stop that
   * waited in a queue may be told after the next start at its EVSE.
   */
  isOwn(item: Item): boolean {
    const first = this.bundle.items.find(({ payload }) => payload.kind === Kind.STARTED || payload.kind === Kind.ENDED);
    return first === undefined || sameSubject(first, item);
  }

  /** The forwarding CPO: the party of the chain's origin. */
  get cpo(): string {
    return partyOf(this.bundle.items[0]?.payload.origin ?? "");
  }

  content(item: Item, gid: Int): Content | undefined {
    return this.#contents.get(`${hex(item.hash)} ${gid}`);
  }

  keep(payloadHash: Uint8Array, gid: Int, content: Content): void {
    this.#contents.set(`${hex(payloadHash)} ${gid}`, content);
  }

  /** A report for each record, evidence after the records. The next signature covers a link, once chain and signatures hold. */
  recordReports(): RecordReport[] {
    const records = [...this.bundle.items, ...this.bundle.others].map((item) => {
      const entry = this.signers.get(item.hash);
      const link = item.signature === null;
      const covered = this.linksCovered ? "covered_by_the_next_signature" : "not_covered_by_a_signature";
      const verdict: Verdict = link && this.linksCovered ? "VALID" : (this.verdicts.get(item.hash) ?? "UNKNOWN_KEY");
      return {
        verdict,
        format: "wattseal",
        reason: link ? covered : "",
        findings: [],
        record: placeText(item.payload),
        kind: kindName(item.payload.kind),
        signer: entry === undefined ? "" : `${entry.party} (${entry.role})`,
      };
    });
    return [...records, ...this.evidence];
  }
}
