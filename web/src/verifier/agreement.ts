/** Steps 10 and 11: authorisation preceded the start; the price is what tariff and readings give, whoever states it. */

import { compare, hex, same } from "./bytes.js";
import { ByBytes, failed, finding, lacking, type Case, type Trouble } from "./case.js";
import { momentMs, pointsOf, readingsOf, withheld } from "./content.js";
import { encode } from "./dcbor.js";
import { Decimal } from "./decimal.js";
import { readCdr, readDecision, readSettlement, type CdrSummary, type Decision, type Settlement } from "./fields.js";
import { Group, Kind, type Item } from "./item.js";
import type { Priced, TaxShare, Terms } from "./pricer.js";

const ACCEPTED = 0;
/** Clocks of a station and of whoever decides may be so far apart. */
const START_TOLERANCE_MS = 60_000n;

/** Step 10: started refers to an accepting decision, which refers to the request: order by refs, not by clocks. */
export function checkAuthorisation(found: Case): Trouble | null {
  const started = found.ofKind(Kind.STARTED);
  if (started === undefined) {
    return lacking("transaction", "started");
  }
  if (started.payload.refs.length === 0) {
    found.findings.push(finding("started_without_authorisation", "refs"));
    return null;
  }
  const decision = decisionOf(found, started);
  if (decision === undefined) {
    return lacking("authorisation", "decision", started);
  }
  if (decision.payload.kind !== Kind.DECISION) {
    return failed("start_refers_to_no_decision", "refs", started);
  }
  const request = requestOf(found, decision);
  if (request === undefined) {
    return lacking("authorisation", "request", decision);
  }
  const trouble = isFor(started, request);
  if (trouble !== null) {
    return trouble;
  }
  const said = readDecision(decision.payload.publicFields);
  if (said.status !== ACCEPTED) {
    return failed("started_against_decision", "status", decision);
  }
  findOverrun(found, said, started);
  const signer = found.signers.get(decision.hash);
  if (signer !== undefined && signer.role === "billing" && signer.party === found.cpo) {
    found.findings.push(finding("authorised_by_the_cpo_alone", "decision"));
  }
  return null;
}

/** Check that what was asked for is this transaction, at this station. */
function isFor(started: Item, request: Item): Trouble | null {
  const [asked, begun] = [request.payload.subject, started.payload.subject];
  if (asked === null || begun === null ? asked !== begun : !same(asked, begun)) {
    return failed("authorisation_of_another_transaction", "subject", started);
  }
  if (station(request) !== station(started)) {
    return failed("authorisation_at_another_station", "origin", started);
  }
  return null;
}

/** The origin as the station's own signer has it: the CSMS of a station with one writes on an origin beside that. */
function station({ payload }: Item): string {
  return payload.origin.replace(/~csms$/, "");
}

/** Find a start after the decision ran out, and more energy than it allows, which its party may have extended. */
function findOverrun(found: Case, { expiresMs, capWh }: Decision, started: Item): void {
  const lateMs = BigInt(started.payload.ms) - BigInt(expiresMs);
  if (lateMs > START_TOLERANCE_MS) {
    found.findings.push(finding("started_after_expiry", "expires", `${lateMs / 1000n} s`));
  }
  if (capWh !== null && found.energyWh !== null && found.energyWh.compare(new Decimal(BigInt(capWh), 0)) > 0) {
    found.findings.push(finding("above_the_cap", "cap", `${capWh} Wh`));
  }
}

/** The record that a start refers to, as far as it is in the bundle. */
export function decisionOf(found: Case, started: Item): Item | undefined {
  return referred(found, started)[0];
}

/** The request that a decision refers to, as far as it is in the bundle. */
export function requestOf(found: Case, decision: Item): Item | undefined {
  return referred(found, decision).find((item) => item.payload.kind === Kind.REQUEST);
}

function referred(found: Case, item: Item): Item[] {
  return item.payload.refs.map((ref) => found.items.get(ref)).filter((one) => one !== undefined);
}

/** Step 11: CDR, price trace and settlements are optional; none may differ from the price recomputed from the records. */
export function checkPrice(found: Case): Trouble | null {
  const { cdr: asked, priceTrace } = found.bundle;
  const [started, ended] = [found.ofKind(Kind.STARTED), found.ofKind(Kind.ENDED)];
  if (asked === null && priceTrace !== null) {
    return failed("trace_without_cdr", "price_trace");
  }
  const settled = ended === undefined ? [] : settlementsOf(found, ended);
  const byAnother = settled.find(([item]) => !byTheDecidingParty(found, item));
  if (byAnother !== undefined) {
    return failed("settlement_of_another_party", "kid", byAnother[0]);
  }
  const cdr = asked === null ? null : readCdr(asked);
  if (started === undefined || ended === undefined || (cdr === null && settled.length === 0)) {
    return null;
  }
  const tariff = tariffOf(found, cdr);
  if ("result" in tariff) {
    return tariff;
  }
  if (found.energyWh === null) {
    return lacking("opening", "meter");
  }
  if (found.readTariff === null) {
    return lacking("price_not_computed_here", "price", tariff);
  }
  const terms = found.readTariff(tariff.payload.publicFields.get(1));
  const stated = settled.map(([, settlement]) => settlement);
  return notShown(found, terms) ?? pricesAgree(found, terms, tariff, ended, stated, cdr);
}

function pricesAgree(
  found: Case,
  terms: Terms,
  tariff: Item,
  ended: Item,
  settled: readonly Settlement[],
  cdr: CdrSummary | null,
): Trouble | null {
  const priced = terms.price(pointsOf(found));
  if ("what" in priced) {
    return lacking("price", priced.what[0] ?? "", tariff);
  }
  found.price = { tariff: terms.id, priced };
  const untrue = settled.map((one) => settlementAgrees(found, one, priced, ended)).find((one) => one !== null);
  return untrue ?? (cdr && cdrAgrees(found, cdr, priced, tariff, ended));
}

/** Which reading is not shown, where the price depends on what happened between start and end. */
function notShown(found: Case, terms: Terms): Trouble | null {
  for (const item of terms.needsReadings ? readingsOf(found) : []) {
    const group = withheld(found, item);
    if (group !== null) {
      return lacking("opening", group, item);
    }
  }
  return null;
}

/** What was settled on this charge, as far as it is shown: none of it may be untrue. */
function settlementsOf(found: Case, ended: Item): (readonly [Item, Settlement])[] {
  return found.bundle.others.flatMap((item): (readonly [Item, Settlement])[] => {
    const content = found.content(item, Group.OPS);
    const about = item.payload.refs.some((ref) => same(ref, ended.hash));
    const settles = item.payload.kind === Kind.SETTLEMENT && content !== undefined && about;
    return settles ? [[item, readSettlement(content.fields)]] : [];
  });
}

/** The decision that the start refers to; where it refers to none, whatever decisions there are. */
function decisionsOf(found: Case): Item[] {
  const refs = found.ofKind(Kind.STARTED)?.payload.refs ?? [];
  return found.bundle.others.filter(
    (item) => item.payload.kind === Kind.DECISION && (refs.length === 0 || refs.some((ref) => same(ref, item.hash))),
  );
}

/** Whether who settles is who decided; without known signers there is nothing to compare. */
function byTheDecidingParty(found: Case, settlement: Item): boolean {
  const deciders = decisionsOf(found).flatMap((item) => found.signers.get(item.hash)?.party ?? []);
  const signer = found.signers.get(settlement.hash);
  return signer === undefined || deciders.length === 0 || deciders.includes(signer.party);
}

/**
 * The tariff record that the decision, and the CDR if there is one, refers to.
 *
 * A record that the decision refers to and that is not shown may be the tariff: no other stands in for it.
 */
function tariffOf(found: Case, cdr: CdrSummary | null): Item | Trouble {
  const tariffs = new ByBytes<Item>();
  found.bundle.others.filter((item) => item.payload.kind === Kind.TARIFF).forEach((item) => tariffs.set(item.hash, item));
  const decisions = decisionsOf(found);
  const decided = decisions
    .flatMap((item) => item.payload.refs)
    .filter((ref) => tariffs.get(ref) !== undefined)
    .sort(compare);
  const wanted = cdr === null ? decided[0] : cdr.tariff;
  const tariff = wanted === undefined ? undefined : tariffs.get(wanted);
  if (tariff === undefined) {
    return lacking("tariff", "tariff record");
  }
  if (decided.length > 0 && !decided.some((ref) => same(ref, tariff.hash))) {
    return failed("tariff_differs_from_decision", "cdr tariff", tariff);
  }
  const hidden = decisions.find((item) => item.payload.refs.some((ref) => found.items.get(ref) === undefined));
  if (decided.length === 0 && hidden !== undefined) {
    return lacking("tariff", "tariff record", hidden);
  }
  return tariff;
}

function equal(one: Decimal | null, other: Decimal | null): boolean {
  return one === null || other === null ? one === other : one.compare(other) === 0;
}

function settlementAgrees(found: Case, settlement: Settlement, priced: Priced, ended: Item): Trouble | null {
  if (!settlement.accepted) {
    return null;
  }
  const energy = equal(settlement.energyWh, found.energyWh) && settlement.currency === priced.currency;
  if (!energy || !equal(settlement.totalExclVat, priced.beforeTax) || !equal(settlement.totalInclVat, priced.afterTax)) {
    return failed("settlement_differs", "settlement", ended);
  }
  if (settlement.taxes.length > 0 && !sameTaxes(settlement.taxes, priced.taxes)) {
    return failed("settlement_differs", "settlement taxes", ended);
  }
  return null;
}

function sameTaxes(some: readonly TaxShare[], others: readonly TaxShare[]): boolean {
  const sameShare = (one: TaxShare, other: TaxShare | undefined): boolean =>
    other !== undefined && equal(one.percent, other.percent) && equal(one.net, other.net) && equal(one.tax, other.tax);
  return some.length === others.length && some.every((share, at) => sameShare(share, others[at]));
}

function cdrAgrees(found: Case, cdr: CdrSummary, priced: Priced, tariff: Item, ended: Item): Trouble | null {
  const started = found.ofKind(Kind.STARTED);
  const subject = started?.payload.subject ?? null;
  const agrees: readonly (readonly [string, boolean])[] = [
    ["id", cdr.id === (subject === null ? "" : hex(subject))],
    ["start_ms", started !== undefined && cdr.startMs === momentMs(found, started)],
    ["end_ms", cdr.endMs === momentMs(found, ended)],
    ["energy_wh", equal(cdr.energyWh, found.energyWh)],
    ["currency", cdr.currency === priced.currency],
    ["total_excl_vat", equal(cdr.totalExclVat, priced.beforeTax)],
    ["total_incl_vat", equal(cdr.totalInclVat, priced.afterTax)],
    ["tariff", same(cdr.tariff, tariff.hash)],
  ];
  const differs = agrees.find(([, agree]) => !agree);
  if (differs !== undefined) {
    return failed("cdr_differs", `cdr ${differs[0]}`, ended);
  }
  const trace = found.bundle.priceTrace;
  if (trace !== null && !same(encode(trace), encode(priced.trace))) {
    return failed("price_trace_differs", "price_trace", ended);
  }
  return null;
}
