/** OBIS codes of energy registers as meters write them (IEC 62056-6-1; OCMF 1.4, table 25). */
import type { Direction } from "./format.js";

const CODE =
  /^([0-9A-Fa-f]{1,2})-([0-9A-Fa-f]{1,2}):([0-9A-Fa-f]{1,2})\.([0-9A-Fa-f]{1,2})\.([0-9A-Fa-f]{1,2})(?:[.*][0-9A-Fa-f]{1,3})?$/;
const CUMULATIVE = 8;
const IMPORT = new Set([0x01, 0x98, 0x9e, 0xb0, 0xb1, 0xb2, 0xb3]);
const EXPORT = new Set([0x02, 0xc0, 0xc1, 0xc2, 0xc3]);
/** Registers after loss compensation: energy handed over at the vehicle rather than measured at the mains. */
const AT_THE_CAR = new Set([0x98, 0xb1, 0xb3, 0xc1, 0xc3]);
/** Registers that may start at zero in each transaction. */
const PER_TRANSACTION = new Set([0x98, 0x9e, 0xb2, 0xb3, 0xc2, 0xc3]);

/** The energy a register counts; `rate` 0 is the total over all tariff rates (group E). */
export interface Register {
  readonly direction: Direction;
  readonly atTheCar: boolean;
  readonly perTransaction: boolean;
  readonly rate: number;
}

/** What register `code` names, "other" for another quantity, null where it is no code; groups are hexadecimal. */
export function parseRegister(code: string): Register | null {
  const match = CODE.exec(code.replace(/^ +| +$/g, ""));
  if (match === null) return null;
  const [medium = 0, , quantity = 0, kind = 0, rate = 0] = match.slice(1, 6).map((group) => parseInt(group, 16));
  let direction: Direction = "other";
  if (medium === 1 && kind === CUMULATIVE) {
    if (IMPORT.has(quantity)) direction = "import";
    else if (EXPORT.has(quantity)) direction = "export";
  }
  return { direction, atTheCar: AT_THE_CAR.has(quantity), perTransaction: PER_TRANSACTION.has(quantity), rate };
}
