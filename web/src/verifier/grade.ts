/** Step 12: evidence grades, never rounded up (docs/spec/bundle.md, "Grades"). */

import { lacking, type Case, type Trouble } from "./case.js";
import { Group, Kind, type Item } from "./item.js";
import type { Entry } from "./registry.js";
import type { Grade, Source } from "./report.js";

/** Step 12: the grade with its source. */
export function gradeCase(found: Case): Trouble | null {
  if (!found.entitled) {
    return lacking("trust", "signers");
  }
  const bounds = [found.ofKind(Kind.STARTED), found.ofKind(Kind.ENDED)].filter((item) => item !== undefined);
  const signers = bounds.map((item) => found.signers.get(item.hash)).filter((entry) => entry !== undefined);
  found.source = sourceOf(found, signers);
  found.grade = gradeOf(found, found.source, signers, bounds);
  return null;
}

/** The highest grade whose conditions hold. */
function gradeOf(found: Case, source: Source, signers: readonly Entry[], bounds: readonly Item[]): Grade {
  if (source === "csms") {
    return found.cosignedInTime ? "G1" : "G0";
  }
  const own = new Set([found.cpo, ...(source === "meter" ? [] : signers.map((entry) => entry.party))]);
  if (found.meterParty !== null) {
    own.add(found.meterParty);
  }
  const independent = [...found.cosigners].filter((party) => !own.has(party));
  const complete = found.meterComplete || !signers.some((entry) => entry.role === "csms");
  if (!complete || !found.cosignedInTime || independent.length < 2) {
    return "G2";
  }
  return forwarderCanRead(found, bounds) ? "G3" : "G4";
}

/** Who signed start and end; the CSMS where only the CPO's own system did, or a source in the CPO's custody. */
function sourceOf(found: Case, signers: readonly Entry[]): Source {
  if (found.meterSigned) {
    return "meter";
  }
  const role = signers[0]?.role;
  const isSource = (entry: Entry): boolean => ["meter", "station", "edge"].includes(entry.role);
  const independent = signers.length === 2 && signers.every((one) => isSource(one) && one.custodian !== found.cpo);
  return independent && (role === "meter" || role === "station" || role === "edge") ? role : "csms";
}

/** Groups out of which energy can be read. */
const TELLING: readonly number[] = [Group.METER, Group.LOAD, Group.RAW];

/** Whether the CPO reads energy: it is a reader at start or end, or some box that tells it is in the open. */
function forwarderCanRead(found: Case, bounds: readonly Item[]): boolean {
  const named = bounds.some((item) => {
    const content = found.content(item, Group.METER);
    return content === undefined || content.readers.length === 0 || content.readers.includes(found.cpo);
  });
  const own = found.bundle.items.filter((item) => found.isOwn(item));
  const open = own.some(({ payload }) => TELLING.some((gid) => payload.groups.get(gid)?.boxHash === null));
  return named || open || bounds.length === 0;
}
