/** The chain: nothing missing, doubled, swapped or foreign (docs/spec/record.md, "Chain"). */

import { same } from "./bytes.js";
import { Kind, type Item } from "./item.js";

const MAX_LINKS = 9;
const MAX_UNSIGNED_MS = 300_000;

/** Why items are not one unbroken chain: a code, the index of the item, and the field. */
export interface ChainProblem {
  readonly code: string;
  readonly index: number;
  readonly field: string;
}

/** How much of the tail of a chain is unsigned. */
interface Tail {
  readonly links: number;
  readonly oldestMs: number | null;
}

function after(tail: Tail, item: Item): Tail {
  if (item.signature !== null) {
    return { links: 0, oldestMs: null };
  }
  return { links: tail.links + 1, oldestMs: tail.oldestMs ?? item.payload.ms };
}

/** The problems of a stretch of one chain, first to last; none means unbroken and signed at both ends. */
export function checkChain(items: readonly Item[]): ChainProblem[] {
  const [first, last] = [items[0], items[items.length - 1]];
  const problems: ChainProblem[] = [];
  if (first === undefined || last === undefined) {
    return problems;
  }
  if (first.signature === null) {
    problems.push({ code: "unsigned_start", index: 0, field: "signature" });
  }
  const { seq, prev, kind } = first.payload;
  if (seq === 0 && (prev.some((byte) => byte !== 0) || kind !== Kind.BOOT)) {
    problems.push({ code: "bad_first_record", index: 0, field: "prev" });
  }
  let tail = after({ links: 0, oldestMs: null }, first);
  items.forEach((item, index) => {
    if (item.signature === null && item.payload.kind !== Kind.READING) {
      problems.push({ code: "unsigned_kind", index, field: "signature" });
    }
    const before = items[index - 1];
    if (before !== undefined) {
      problems.push(...checkStep(before, tail, item).map(([code, field]) => ({ code, index, field })));
      tail = after(tail, item);
    }
  });
  if (last.signature === null) {
    problems.push({ code: "unsigned_tail", index: items.length - 1, field: "signature" });
  }
  return problems;
}

type Trouble = readonly [code: string, field: string];

function checkStep(before: Item, tail: Tail, item: Item): Trouble[] {
  const [old, next] = [before.payload, item.payload];
  if (next.origin !== old.origin || next.stream !== old.stream) {
    return [["foreign_item", next.origin !== old.origin ? "origin" : "stream"]];
  }
  if (next.seq === old.seq) {
    return [["doubled_item", "seq"]];
  }
  if (next.seq < old.seq) {
    return [[next.epoch === old.epoch ? "swapped_item" : "epoch_reset", "seq"]];
  }
  if (next.seq > old.seq + 1) {
    return [["missing_item", "seq"]];
  }
  const found: Trouble[] = [];
  if (next.epoch < old.epoch) {
    found.push(["epoch_reset", "epoch"]);
  }
  if (next.epoch > old.epoch && next.kind !== Kind.BOOT) {
    found.push(["epoch_without_boot", "epoch"]);
  }
  if (!same(next.prev, before.hash)) {
    found.push(["prev_mismatch", "prev"]);
  }
  const overdue = tail.oldestMs !== null && next.ms - tail.oldestMs >= MAX_UNSIGNED_MS;
  if (item.signature === null && (tail.links >= MAX_LINKS || overdue)) {
    found.push([tail.links >= MAX_LINKS ? "too_many_links" : "signature_overdue", "seq"]);
  }
  return found;
}

/** The first signed record that says another thing than the one seen before at its place. */
export function findFork(items: readonly Item[]): Item | undefined {
  const seen = new Map<string, Item>();
  return items.find((item) => {
    if (item.signature === null) {
      return false;
    }
    const { origin, stream, epoch, seq } = item.payload;
    const place = JSON.stringify([origin, stream, epoch, seq]);
    const other = seen.get(place);
    if (other === undefined) {
      seen.set(place, item);
      return false;
    }
    return !same(other.payloadBytes, item.payloadBytes);
  });
}
