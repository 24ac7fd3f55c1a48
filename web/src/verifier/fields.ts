/** What the numbered fields of the groups mean that the verifier reads (docs/spec/record.md, "Fields"). */

import { isBytes, isInt, isList, isText, type Fields, type Int, type Value } from "./dcbor.js";
import { decimalFrom, type Decimal } from "./decimal.js";
import { CborError } from "./errors.js";
import type { TaxShare } from "./pricer.js";

const STATUSES = 10;
const SOURCES = ["meter", "station", "edge", "csms"];
const isFlag = (value: Value | undefined): value is boolean => typeof value === "boolean";

/** A field's value, undefined where it is absent or null; one of another type is a `CborError`. */
function typed<T extends Value>(
  fields: Fields,
  number: number,
  is: (value: Value | undefined) => value is T,
  name: string,
): T | undefined {
  const value = fields.get(number);
  if (value === undefined || value === null) {
    return undefined;
  }
  if (!is(value)) {
    throw new CborError(`${name} has the wrong type`, name);
  }
  return value;
}

function optionalDecimal(fields: Fields, number: number, name: string): Decimal | null {
  const value = fields.get(number);
  return value === undefined || value === null ? null : decimalFrom(value, name);
}

/** Group METER: a register in Wh and what the meter itself signed. */
export interface Meter {
  readonly registerWh: Decimal;
  readonly unaccountedWh: Decimal | null;
  readonly evidence: readonly (readonly [format: string, raw: Uint8Array])[];
}

export function readMeter(fields: Fields): Meter {
  const evidence = (typed(fields, 5, isList, "evidence") ?? []).map((entry): readonly [string, Uint8Array] => {
    const [format, raw] = isList(entry) && entry.length === 2 ? entry : [];
    if (!isText(format) || !isBytes(raw)) {
      throw new CborError("evidence is [format, bytes]", "evidence");
    }
    return [format, raw];
  });
  const registerWh = decimalFrom(fields.get(1), "register_wh");
  typed(fields, 2, isInt, "obis");
  const unaccountedWh = optionalDecimal(fields, 3, "unaccounted_wh");
  typed(fields, 4, isBytes, "prev_end");
  return { registerWh, unaccountedWh, evidence };
}

/** Group OPS, as far as it is needed here and on a receipt. */
export interface Ops {
  readonly transactionId: string | null;
  readonly reason: string | null;
  readonly seqNo: Int | null;
  readonly stationMs: Int | null;
  readonly evseId: Int | null;
}

const OPS: readonly (readonly [string, (value: Value | undefined) => value is Value])[] = [
  ["transaction_id", isText],
  ["connector_id", isInt],
  ["reason", isText],
  ["trigger", isText],
  ["seq_no", isInt],
  ["station_ms", isInt],
  ["offline", isFlag],
  ["route", isText],
  ["evse_id", isInt],
  ["nonce", isBytes],
  ["remote_start_id", isInt],
  ["charging_state", isText],
  ["charging_s", isInt],
];

export function readOps(fields: Fields): Ops {
  OPS.forEach(([name, is], at) => typed(fields, at + 1, is, name));
  return {
    transactionId: typed(fields, 1, isText, "transaction_id") ?? null,
    reason: typed(fields, 3, isText, "reason") ?? null,
    seqNo: typed(fields, 5, isInt, "seq_no") ?? null,
    stationMs: typed(fields, 6, isInt, "station_ms") ?? null,
    evseId: typed(fields, 9, isInt, "evse_id") ?? null,
  };
}

/** Group IDENTITY: the driver's token as presented. */
export interface Identity {
  readonly idToken: string;
  readonly type: string;
}

export function readIdentity(fields: Fields): Identity {
  const [idToken, type] = [typed(fields, 1, isText, "id_token"), typed(fields, 2, isText, "token type")];
  if (idToken === undefined || type === undefined) {
    throw new CborError("identity needs token and type", "identity");
  }
  const shown = typed(fields, 3, isList, "shown");
  if (shown !== undefined && !(shown.length === 2 && isText(shown[0]) && isBytes(shown[1]))) {
    throw new CborError("what was shown is [kind, bytes]", "identity");
  }
  return { idToken, type };
}

/** Public fields of a DECISION record, as far as they bear on a charge: 0 is Accepted. */
export interface Decision {
  readonly status: number;
  readonly expiresMs: Int;
  readonly capWh: Int | null;
  /** How sure it is who charges, where more was shown than a number, and a hash of what was. */
  readonly identified: readonly [level: string, reference: Uint8Array] | null;
}

export function readDecision(fields: Fields): Decision {
  const [status, authId] = [typed(fields, 1, isInt, "status"), typed(fields, 2, isBytes, "auth_id")];
  const expires = typed(fields, 3, isInt, "expires");
  const capWh = typed(fields, 4, isInt, "cap") ?? null;
  const known = status !== undefined && status >= 0 && status < STATUSES;
  if (!known || authId === undefined || expires === undefined) {
    throw new CborError("a decision needs status, auth_id and expiry", "decision");
  }
  typed(fields, 5, isText, "reason");
  return { status: Number(status), expiresMs: expires, capWh, identified: identifiedFrom(fields.get(6)) };
}

/** What is in this place in any other shape says nothing. */
function identifiedFrom(value: Value | undefined): Decision["identified"] {
  const [level, reference] = isList(value) && value.length === 2 ? value : [];
  return isText(level) && isBytes(reference) && reference.length === 32 ? [level, reference] : null;
}

/** Group OPS of a SETTLEMENT record: what the deciding party accepted or disputed. Money without tax and with. */
export interface Settlement {
  readonly accepted: boolean;
  readonly energyWh: Decimal | null;
  readonly currency: string | null;
  readonly totalExclVat: Decimal | null;
  readonly totalInclVat: Decimal | null;
  readonly taxes: readonly TaxShare[];
}

export function readSettlement(fields: Fields): Settlement {
  const verdict = typed(fields, 1, isInt, "verdict");
  if (verdict !== 0 && verdict !== 1) {
    throw new CborError("a settlement accepts or disputes", "verdict");
  }
  const energyWh = optionalDecimal(fields, 2, "energy_wh");
  const [grade, source] = [typed(fields, 6, isInt, "grade"), typed(fields, 7, isText, "source")];
  if (energyWh !== null && energyWh.mantissa < 0n) {
    throw new CborError("energy is not below zero", "energy_wh");
  }
  if (grade !== undefined && (grade < 0 || grade > 4)) {
    throw new CborError("a grade is 0 to 4", "grade");
  }
  if (source !== undefined && !SOURCES.includes(source)) {
    throw new CborError("there is no such source of evidence", "source");
  }
  const currency = typed(fields, 3, isText, "currency") ?? null;
  const totalExclVat = optionalDecimal(fields, 4, "total_excl_vat");
  const totalInclVat = optionalDecimal(fields, 5, "total_incl_vat");
  typed(fields, 8, isInt, "step");
  typed(fields, 9, isText, "reason");
  const taxes = (typed(fields, 10, isList, "taxes") ?? []).map(taxShareFrom);
  return { accepted: verdict === 0, energyWh, currency, totalExclVat, totalInclVat, taxes };
}

function taxShareFrom(value: Value): TaxShare {
  if (!isList(value) || value.length !== 3) {
    throw new CborError("a part of the total is its rate, net and tax", "taxes");
  }
  const percent = value[0] === null ? null : decimalFrom(value[0], "taxes");
  return { percent, net: decimalFrom(value[1], "taxes"), tax: decimalFrom(value[2], "taxes") };
}

/** What the CPO asks to be paid (bundle field 6); `id` is the subject in hex, `tariff` the hash of the tariff record. */
export interface CdrSummary {
  readonly id: string;
  readonly startMs: Int;
  readonly endMs: Int;
  readonly energyWh: Decimal;
  readonly currency: string;
  readonly totalExclVat: Decimal;
  readonly totalInclVat: Decimal;
  readonly tariff: Uint8Array;
}

export function readCdr(value: Value): CdrSummary {
  const fields = value instanceof Map && value.size === 8 ? (value as Fields) : undefined;
  const [id, startMs, endMs, energy, currency, excl, incl, tariff] = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => fields?.get(n));
  const worded = isText(id) && isInt(startMs) && isInt(endMs) && isText(currency) && isBytes(tariff);
  if (!worded || !isList(energy) || !isList(excl) || !isList(incl)) {
    throw new CborError("a CDR has fields 1 to 8", "cdr");
  }
  return {
    id,
    startMs,
    endMs,
    energyWh: decimalFrom(energy, "energy_wh"),
    currency,
    totalExclVat: decimalFrom(excl, "total_excl_vat"),
    totalInclVat: decimalFrom(incl, "total_incl_vat"),
    tariff,
  };
}
