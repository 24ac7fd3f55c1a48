/**
 * How sure it is who charged, by the signed records in a bundle, and whose word that is (docs/spec/bundle.md).
 *
 * The levels are those of OCMF. Nobody's word is made surer than it is: where the kind of token is not shown, what a
 * meter was told says no more than hearsay.
 */

import { decisionOf, requestOf } from "./agreement.js";
import { hex } from "./bytes.js";
import type { Case } from "./case.js";
import { InputError } from "./errors.js";
import { readDecision, readIdentity } from "./fields.js";
import { Group, Kind, type Item } from "./item.js";
import type { Identification } from "./report.js";

const [NONE, HEARSAY, TRUSTED, SECURE] = ["NONE", "HEARSAY", "TRUSTED", "SECURE"];
/** From nobody to surely this one. */
const RISING: readonly string[] = [NONE, HEARSAY, TRUSTED, "VERIFIED", "CERTIFIED", SECURE];
/** The meter says that the identification failed. */
const ERRORS: readonly string[] = ["MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"];
/** Kinds of tokens that are known to come from where the operator or a handshake says; all others are bare numbers. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ["NoAuthorization", NONE],
  ["Central", TRUSTED],
  ["KeyCode", TRUSTED],
  ["eMAID", TRUSTED],
]);

/** Whether a text is a level that OCMF knows. */
export function isLevel(text: string): boolean {
  return RISING.includes(text) || ERRORS.includes(text);
}

/** How sure it is who charged, in a bundle whose every step held. */
export function identification(found: Case): Identification {
  const started = found.ofKind(Kind.STARTED);
  const decision = started === undefined ? undefined : decisionOf(found, started);
  const request = decision === undefined ? undefined : requestOf(found, decision);
  const named = [request, started].filter((item) => item !== undefined);
  const shown = (decision === undefined ? null : decided(found, decision)) ?? told(found, named);
  return found.meterLevels.reduce((known, { signer, level }) => withSigned(known, level, signer), shown);
}

const NOTHING = { level: null, word: "", saidBy: "", reference: "", meter: "" } as const;

/** What whoever decided says of more than a number that was shown. */
function decided(found: Case, decision: Item): Identification | null {
  const { identified } = readDecision(decision.payload.publicFields);
  if (identified === null || !RISING.includes(identified[0])) {
    return null;
  }
  const [level, reference] = identified;
  return { ...NOTHING, level, basis: "decision", ...wordOf(found, decision, "decider"), reference: hex(reference) };
}

/** What the kind of token comes to that was told and recorded in the first of `items` that is open. */
function told(found: Case, items: readonly Item[]): Identification {
  const named = items.filter((item) => item.payload.groups.has(Group.IDENTITY));
  const open = named.find((item) => found.content(item, Group.IDENTITY) !== undefined);
  const content = open === undefined ? undefined : found.content(open, Group.IDENTITY);
  if (open === undefined || content === undefined) {
    return { ...NOTHING, basis: named.length > 0 ? "hidden" : "not_told" };
  }
  try {
    const level = KINDS.get(readIdentity(content.fields).type) ?? HEARSAY;
    return { ...NOTHING, level, basis: "token", ...wordOf(found, open, "recorder") };
  } catch (error) {
    if (error instanceof InputError) {
      return { ...NOTHING, basis: "not_told" };
    }
    throw error;
  }
}

/** Whose word a record is, and its signer: the operator's is nobody's but its own. */
function wordOf(found: Case, item: Item, other: "decider" | "recorder"): Pick<Identification, "word" | "saidBy"> {
  const entry = found.signers.get(item.hash);
  const own = entry === undefined || entry.party === found.cpo || entry.custodian === found.cpo;
  return { word: own ? "operator" : other, saidBy: entry === undefined ? "" : `${entry.party} (${entry.role})` };
}

/** What is found with what a meter signed: it lowers a level, or raises one that was more than hearsay. */
function withSigned(found: Identification, signed: string, signer: string): Identification {
  const known = ERRORS.includes(found.meter) ? found : { ...found, meter: signed };
  const level = levelWith(found.level, signed);
  return level === found.level ? known : { ...known, level, basis: "meter", word: "meter", saidBy: signer };
}

function levelWith(before: string | null, signed: string): string | null {
  if (ERRORS.includes(signed)) {
    return signed;
  }
  if (before === null) {
    return signed === HEARSAY ? signed : null;
  }
  const stays = ERRORS.includes(before) || [NONE, HEARSAY, SECURE].includes(before) || signed === NONE;
  return stays ? before : signed;
}
