/** Steps 5 and 7: the content shown is the content signed for, registers never fall; and a charge's points. */

import { same } from "./bytes.js";
import { failed, finding, lacking, sameSubject, type Case, type Register, type Trouble } from "./case.js";
import type { Int } from "./dcbor.js";
import { Decimal, difference, scientific } from "./decimal.js";
import { InputError } from "./errors.js";
import { readMeter, readOps } from "./fields.js";
import { checkOpening, decodeContent, openPlain, type Opening } from "./groups.js";
import { Group, groupName, Kind, type Item } from "./item.js";
import type { Point } from "./pricer.js";

/** Readings that may have reached their chain late; more are not looked into. */
const MAX_LATE = 256;
/** OCPP 1.6 tells registers in whole Wh: two figures of one register may differ by less than this. */
export const ROUNDING_WH = new Decimal(1n);

/** Step 5: openings and plain boxes open to what the payloads committed to; start and end show their register. */
export function openContent(found: Case): Trouble | null {
  for (const opening of found.openings) {
    const item = found.items.get(opening.payloadHash);
    if (item === undefined) {
      return failed("opening_of_another_record", "opening");
    }
    if (!checkOpening(item.payload, opening)) {
      return failed("commitment_mismatch", groupName(opening.gid), item);
    }
    keep(found, opening);
  }
  for (const item of found.items.values()) {
    for (const gid of item.boxes.keys()) {
      const opened = openPlain(item, gid);
      if (typeof opened === "string") {
        return failed(opened, groupName(gid), item);
      }
      if (opened !== null) {
        keep(found, opened);
      }
    }
  }
  return oneTransaction(found);
}

function keep(found: Case, opening: Opening): void {
  found.keep(opening.payloadHash, opening.gid, decodeContent(opening.content));
}

/** Check that the transaction begins and ends once, at the ends of the stretch; others' records in between do not count. */
function oneTransaction(found: Case): Trouble | null {
  const bounds = new Map<number, Item>();
  let foreign: Item | undefined;
  for (const item of found.bundle.items) {
    const kind = item.payload.kind;
    if (kind !== Kind.STARTED && kind !== Kind.ENDED) {
      continue;
    }
    if (!found.isOwn(item)) {
      foreign = item;
    } else if (bounds.has(kind)) {
      return failed("two_transactions_in_one_bundle", "kind", item);
    } else {
      bounds.set(kind, item);
    }
  }
  if (foreign !== undefined && bounds.size === 1) {
    return failed("two_transactions_in_one_bundle", "subject", foreign);
  }
  const [started, ended] = [bounds.get(Kind.STARTED), bounds.get(Kind.ENDED)];
  if (started === undefined) {
    return lacking("transaction", "started");
  }
  if (found.content(started, Group.METER) === undefined) {
    return lacking("opening", "meter", started);
  }
  if (ended === undefined) {
    return lacking("transaction", "ended");
  }
  if (found.content(ended, Group.METER) === undefined) {
    return lacking("opening", "meter", ended);
  }
  const { items } = found.bundle;
  const beyond = items[0] !== started ? items[0] : items[items.length - 1] !== ended ? items[items.length - 1] : undefined;
  return beyond === undefined ? null : failed("stretch_beyond_the_transaction", "kind", beyond);
}

/** The readable registers of the transaction in chain order. */
export function registersOf(found: Case): Register[] {
  const started = found.ofKind(Kind.STARTED);
  return found.bundle.items.flatMap((item): Register[] => {
    const content = sameSubject(started, item) ? found.content(item, Group.METER) : undefined;
    return content === undefined ? [] : [[item, readMeter(content.fields)]];
  });
}

/** The register of the last record of a kind among those that can be read. */
export function registerOf(registers: readonly Register[], kind: number): Decimal | undefined {
  return registers.findLast(([item]) => item.payload.kind === kind)?.[1].registerWh;
}

/** Step 7: registers never fall by a whole Wh or more, unless a reading reached its chain late. */
export function checkContinuity(found: Case): Trouble | null {
  let before: Decimal | null = null;
  let late = 0;
  for (const [number, [item, meter]] of found.registers.entries()) {
    if (before !== null && meter.registerWh.compare(difference(before, ROUNDING_WH)) <= 0) {
      late += 1;
      if (late > MAX_LATE || !isLate(found, number)) {
        return failed("register_decreases", "register_wh", item);
      }
    }
    before = before === null || meter.registerWh.compare(before) > 0 ? meter.registerWh : before;
    if (meter.unaccountedWh !== null && !meter.unaccountedWh.isZero) {
      const detail = `${scientific(meter.unaccountedWh)} Wh since the previous session`;
      found.findings.push(finding("unaccounted_energy", "unaccounted_wh", detail));
    }
  }
  const [startWh, endWh] = [registerOf(found.registers, Kind.STARTED), registerOf(found.registers, Kind.ENDED)];
  if (startWh !== undefined && endWh !== undefined) {
    found.energyWh = found.meterEnergyWh ?? difference(endWh, startWh);
  }
  return null;
}

/** Whether a register that fell is a reading of an earlier time, and no lower than those up to then. */
function isLate(found: Case, number: number): boolean {
  const register = found.registers[number];
  if (register === undefined) {
    return false;
  }
  const [item, meter] = register;
  const atMs = momentMs(found, item);
  const earlier = found.registers.slice(0, number).filter(([one]) => momentMs(found, one) <= atMs);
  const behind = earlier.every(([, one]) => meter.registerWh.compare(difference(one.registerWh, ROUNDING_WH)) > 0);
  return item.payload.kind === Kind.READING && earlier.length > 0 && earlier.length < number && behind;
}

/** The station's own time of a record where it is shown, else the signer's, in Unix milliseconds. */
export function momentMs(found: Case, item: Item): Int {
  const content = found.content(item, Group.OPS);
  return (content === undefined ? null : readOps(content.fields).stationMs) ?? item.payload.ms;
}

/** The transaction's records between start and end that state a register, to whomever. */
export function readingsOf(found: Case): Item[] {
  const started = found.ofKind(Kind.STARTED);
  const states = (item: Item): boolean => item.payload.kind === Kind.READING && item.payload.groups.has(Group.METER);
  return found.bundle.items.filter((item) => states(item) && sameSubject(started, item));
}

/** What of a record is not shown and would be needed: its register, or the station's time of it. */
export function withheld(found: Case, item: Item): "meter" | "ops" | null {
  const closed = (gid: number): boolean => item.payload.groups.has(gid) && found.content(item, gid) === undefined;
  return closed(Group.METER) ? "meter" : closed(Group.OPS) ? "ops" : null;
}

/** The points of a bundle; none where there are none or a record that has them cannot be read. */
export function pointsTold(found: Case): readonly Point[] {
  try {
    return pointsOf(found);
  } catch (error) {
    if (error instanceof InputError) {
      return [];
    }
    throw error;
  }
}

/** The points of a bundle, start first; none where start, end or the energy between them is not known. */
export function pointsOf(found: Case): readonly Point[] {
  found.points ??= makePoints(found);
  return found.points;
}

function makePoints(found: Case): Point[] {
  const [started, ended] = [found.ofKind(Kind.STARTED), found.ofKind(Kind.ENDED)];
  const registerWh = (item: Item): Decimal | undefined =>
    found.registers.findLast(([one]) => same(one.hash, item.hash))?.[1].registerWh;
  const endWh = ended === undefined ? undefined : registerWh(ended);
  if (started === undefined || ended === undefined || endWh === undefined || found.energyWh === null) {
    return [];
  }
  const [start, end] = [point(found, started, difference(endWh, found.energyWh)), point(found, ended, endWh)];
  const shown = readingsOf(found).map((item) =>
    point(found, item, withheld(found, item) === null ? (registerWh(item) ?? null) : null),
  );
  return usable(start, shown, end);
}

function point(found: Case, item: Item, registerWh: Decimal | null): Point {
  return { ms: Number(momentMs(found, item)), registerWh };
}

/** A session's points in the order of time; a register counts as no lower than those before, no higher than the end's. */
function usable(start: Point, readings: readonly Point[], end: Point): Point[] {
  const between = readings.filter(({ ms }) => start.ms < ms && ms < end.ms).sort((one, other) => one.ms - other.ms);
  const most = end.registerWh;
  let highest = start.registerWh;
  const held = between.map((reading): Point => {
    if (reading.registerWh === null || highest === null || most === null) {
      return reading;
    }
    const raised: Decimal = reading.registerWh.compare(highest) < 0 ? highest : reading.registerWh;
    highest = raised.compare(most) > 0 ? most : raised;
    return { ms: reading.ms, registerWh: highest };
  });
  return [start, ...held, end];
}
