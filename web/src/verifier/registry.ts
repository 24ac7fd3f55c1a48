/** The enrolment registry: whose key may sign what, from when (docs/spec/trust.md). */

import { hex, same } from "./bytes.js";
import { checkSealingKey, kidOf, publicKey, sha256, type PublicKey } from "./crypto.js";
import { encode, isBytes, isInt, isList, isText, type Fields, type Int, type Value } from "./dcbor.js";
import { CborError, InputError } from "./errors.js";
import { isOrigin, Kind, type Payload } from "./item.js";
import { stated, statementFrom, statementValue, type Statement } from "./signed.js";

const ROLES = ["meter", "station", "edge", "csms", "billing", "emsp", "dso", "csio", "arbiter"] as const;
export type Role = (typeof ROLES)[number];
const SOURCES: ReadonlySet<Role> = new Set(["meter", "station", "edge"]);
const CONSENTING: ReadonlySet<Role> = new Set(["emsp", "csio"]);

const OWN_CHAIN: readonly number[] = [Kind.BOOT, Kind.HEARTBEAT, Kind.KEY_CHANGE];
const CHARGE: readonly number[] = [Kind.REQUEST, Kind.STARTED, Kind.READING, Kind.ENDED];
const MONEY: readonly number[] = [Kind.ACCOUNT, Kind.POSTING, Kind.RULING, Kind.INVOICE, Kind.DISPUTE, Kind.PAYMENT];
const HOUSE: readonly number[] = [Kind.PERSON, Kind.ERASURE, Kind.ALARM, Kind.WORKS];
const BILLING: readonly number[] = [Kind.DECISION, Kind.SETTLEMENT, Kind.TARIFF, ...HOUSE, ...MONEY];
const MAY_SIGN: Readonly<Record<Role, readonly number[]>> = {
  meter: CHARGE,
  station: CHARGE,
  edge: CHARGE,
  csms: [...CHARGE, Kind.COMMAND, Kind.TARIFF],
  billing: BILLING,
  emsp: [...BILLING, Kind.COMMAND],
  dso: [Kind.CAPACITY_LIMIT],
  csio: [Kind.FIRMWARE],
  arbiter: [],
};

/** One key of one holder; times are Unix milliseconds. */
export interface Entry {
  readonly version: Int;
  readonly origin: string;
  readonly role: Role;
  readonly party: string;
  readonly custodian: string;
  readonly spki: Uint8Array;
  readonly kid: Uint8Array;
  readonly seals: boolean;
  readonly fromMs: Int;
  readonly revokedMs: Int | null;
  readonly handover: Statement | null;
  readonly meterId: string | null;
  readonly consents: readonly Statement[];
}

type Check = (value: Value | undefined) => boolean;
const TYPES: readonly (readonly [number, Check])[] = [
  [1, isInt],
  [2, isText],
  [3, isInt],
  [4, isText],
  [5, isText],
  [6, isBytes],
  [7, isInt],
  [8, isInt],
  [9, isInt],
  [11, isText],
  [12, isList],
];

/** Check the shape of an entry's fields; `CborError` names the field. */
export function readEntry(fields: Fields): Entry {
  const known = [...fields.keys()].every((number) => number >= 1 && number <= 12);
  if (!known || [1, 2, 3, 4, 5, 6, 7, 8].some((number) => !fields.has(number))) {
    throw new CborError("a registry entry has fields 1 to 8 and at most 9 to 12", "entry");
  }
  const wrong = TYPES.find(([number, check]) => fields.has(number) && !check(fields.get(number)));
  if (wrong !== undefined) {
    throw new CborError(`entry field ${wrong[0]} has the wrong type`, `entry ${wrong[0]}`);
  }
  const [version, origin, number, party, custodian, spki, use, fromMs] = [1, 2, 3, 4, 5, 6, 7, 8].map((key) =>
    fields.get(key),
  ) as [Int, string, Int, string, string, Uint8Array, Int, Int];
  const role = ROLES[Number(number) - 1];
  if (role === undefined || (use !== 0 && use !== 1)) {
    throw new CborError("unknown role or use", "entry 3");
  }
  if (!isOrigin(origin) || (origin.includes("*") && (!origin.endsWith("/*") || SOURCES.has(role)))) {
    throw new CborError("origin is PARTY/STATION, or PARTY/* for a party's own key", "entry 2");
  }
  const [handover, meterId, consents] = [fields.get(10), fields.get(11), fields.get(12)];
  return {
    version,
    origin,
    role,
    party,
    custodian,
    spki,
    kid: kidOf(spki),
    seals: use === 1,
    fromMs,
    revokedMs: (fields.get(9) as Int | undefined) ?? null,
    handover: handover === undefined ? null : statementFrom(handover),
    meterId: isText(meterId) ? meterId : null,
    consents: isList(consents) ? consents.map(statementFrom) : [],
  };
}

/** What a consent signs: the hash of all of an entry but version, revocation and consents. */
function consentHash(entry: Entry): Uint8Array {
  const fields = new Map<Int, Value>([
    [2, entry.origin],
    [3, ROLES.indexOf(entry.role) + 1],
    [4, entry.party],
    [5, entry.custodian],
    [6, entry.spki],
    [7, entry.seals ? 1 : 0],
    [8, entry.fromMs],
  ]);
  if (entry.handover !== null) {
    fields.set(10, statementValue(entry.handover));
  }
  if (entry.meterId !== null) {
    fields.set(11, entry.meterId);
  }
  return sha256(encode(fields));
}

type Head = readonly [stream: Int, epoch: Int, seq: Int, last: Uint8Array];

/** The old key's word on its successor and where each of its chains stood. */
interface Handover {
  readonly origin: string;
  readonly successor: Uint8Array;
  readonly heads: readonly Head[];
}

function handoverFrom({ fields }: Statement): Handover {
  const [origin, successor, heads] = [fields.get(1), fields.get(2), fields.get(3)];
  if (fields.size !== 3 || !isText(origin) || !isBytes(successor) || !isList(heads)) {
    throw new CborError("a handover is {1: origin, 2: spki, 3: heads}", "handover");
  }
  return { origin, successor, heads: heads.map(headFrom) };
}

function headFrom(value: Value): Head {
  const [stream, epoch, seq, last] = isList(value) && value.length === 4 ? value.map(numbered) : [];
  if (!isInt(stream) || !isInt(epoch) || !isInt(seq) || !isBytes(last) || last.length !== 32) {
    throw new CborError("a head is [stream, epoch, seq, hash]", "handover 3");
  }
  return [stream, epoch, seq, last];
}

/** A truth value counts as 1 or 0 here. */
function numbered(value: Value): Value {
  return typeof value === "boolean" ? Number(value) : value;
}

/** A registry whose entries are believed. */
export interface Root {
  readonly name: string;
  readonly key: PublicKey;
  readonly party: string;
}

/** The entries a verifier accepts, newest version of each key; filled from root-signed statements only. */
export class Registry {
  readonly #roots: ReadonlyMap<string, PublicKey>;
  readonly #byKid = new Map<string, Entry>();
  readonly #enrolledBy = new Map<string, ReadonlySet<string>>();
  readonly #handovers = new Map<string, Handover>();

  constructor(roots: readonly Root[]) {
    this.#roots = new Map(roots.map((root) => [root.name, root.key]));
  }

  /** Add entries, those of consenting parties first; return why others were refused, as codes. */
  addAll(statements: readonly Statement[]): string[] {
    const parsed = statements.map((statement) => [statement, readEntry(statement.fields)] as const);
    parsed.sort(
      ([, one], [, other]) =>
        Number(SOURCES.has(one.role)) - Number(SOURCES.has(other.role)) ||
        (one.version < other.version ? -1 : Number(one.version > other.version)),
    );
    return parsed.map(([statement, entry]) => this.#add(statement, entry)).filter((code) => code !== null);
  }

  #add(statement: Statement, entry: Entry): string | null {
    const roots = [...this.#roots].filter(([, root]) => same(root.kid, statement.signature.kid));
    if (roots.length === 0) {
      return "entry_of_an_unknown_root";
    }
    const signing = roots.filter(([name, root]) => stated(statement, root, "wattseal-entry-v1", name));
    const names = new Set(signing.map(([name]) => name));
    if (names.size === 0) {
      return "entry_signature_invalid";
    }
    const known = this.byKid(entry.kid);
    if (known !== undefined && known.version > entry.version) {
      return null;
    }
    const refusal =
      checkKey(entry, known) ??
      (SOURCES.has(entry.role) && !this.#hasConsent(entry, names) ? "no_consent_of_a_party_other_than_the_cpo" : null) ??
      (entry.handover === null ? null : this.#takeHandover(entry, entry.handover));
    if (refusal === null) {
      const kid = hex(entry.kid);
      this.#byKid.set(kid, entry);
      this.#enrolledBy.set(kid, new Set([...(this.#enrolledBy.get(kid) ?? []), ...names]));
    }
    return refusal;
  }

  /** Whether somebody enrolled by one of the registries `names` has consented there to this entry. */
  #hasConsent(entry: Entry, names: ReadonlySet<string>): boolean {
    const cpo = partyOf(entry.origin);
    return entry.consents.some((consent) => {
      const by = this.byKid(consent.signature.kid);
      if (by === undefined || !CONSENTING.has(by.role) || by.seals || by.party === cpo) {
        return false;
      }
      if (by.revokedMs !== null && entry.fromMs >= by.revokedMs) {
        return false;
      }
      const enrolledBy = this.#enrolledBy.get(hex(by.kid)) ?? names;
      const key = publicKey(by.spki);
      const agreed = consent.fields.get(1);
      const fits = consent.fields.size === 1 && isBytes(agreed) && same(agreed, consentHash(entry));
      return fits && [...names].some((name) => enrolledBy.has(name) && stated(consent, key, "wattseal-consent-v1", name));
    });
  }

  #takeHandover(entry: Entry, statement: Statement): string | null {
    const old = this.byKid(statement.signature.kid);
    const handover = handoverFrom(statement);
    if (old === undefined || !stated(statement, publicKey(old.spki), "wattseal-handover-v1", entry.origin)) {
      return "handover_not_signed_by_the_old_key";
    }
    if (handover.origin !== entry.origin || !same(handover.successor, entry.spki) || old.role !== entry.role) {
      return "handover_names_another_key";
    }
    this.#handovers.set(hex(old.kid), handover);
    return null;
  }

  byKid(kid: Uint8Array): Entry | undefined {
    return this.#byKid.get(hex(kid));
  }

  /** The entry entitled to sign a record of `kind` for `origin` at its time, or a code: why there is none. */
  signer(kid: Uint8Array, origin: string, kind: number, ms: number): Entry | string {
    const entry = this.byKid(kid);
    if (entry === undefined) {
      return "unknown_key";
    }
    if (!covers(entry, origin)) {
      return "key_enrolled_for_another_origin";
    }
    if (entry.seals || !(MAY_SIGN[entry.role].includes(kind) || OWN_CHAIN.includes(kind))) {
      return "role_may_not_sign_this_kind";
    }
    return ms < entry.fromMs ? "key_not_yet_valid" : entry;
  }

  /**
   * Whether a record at this place was signed by a key that had already handed over; `head` is its payload hash: at the
   * place where the key stopped only the record that it named is its own.
   */
  afterHandover(kid: Uint8Array, { stream, epoch, seq }: Payload, head: Uint8Array): boolean {
    const handover = this.#handovers.get(hex(kid));
    if (handover === undefined) {
      return false;
    }
    const before = ([s, e, q, last]: Head): boolean =>
      s === stream && (epoch < e || (epoch === e && (seq < q || (seq === q && same(head, last)))));
    return !handover.heads.some(before);
  }

  /** The meters enrolled for a station. */
  meters(origin: string): Entry[] {
    return [...this.#byKid.values()].filter((entry) => entry.role === "meter" && covers(entry, origin));
  }
}

/** The party of an origin: what stands before the slash. */
export function partyOf(origin: string): string {
  return origin.split("/")[0] ?? "";
}

/** Whether an entry speaks for an origin. */
export function covers(entry: Entry, origin: string): boolean {
  return entry.origin === origin || (entry.origin.endsWith("/*") && origin.startsWith(entry.origin.slice(0, -1)));
}

function checkKey(entry: Entry, known: Entry | undefined): string | null {
  try {
    if (entry.seals) {
      checkSealingKey(entry.spki);
    } else if (entry.role !== "meter") {
      publicKey(entry.spki);
    }
  } catch (error) {
    if (error instanceof InputError) {
      return error.code;
    }
    throw error;
  }
  if (known === undefined) {
    return null;
  }
  const alike = same(known.spki, entry.spki) && known.role === entry.role;
  if (!alike || known.seals !== entry.seals || known.origin !== entry.origin) {
    return "key_reused_for_another_purpose";
  }
  const later = known.revokedMs !== null && (entry.revokedMs === null || entry.revokedMs > known.revokedMs);
  return later ? "revocation_cannot_be_taken_back" : null;
}
