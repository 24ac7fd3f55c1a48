/** Times in OCMF (TM, table 19): local wall time to the millisecond, its offset from UTC, the state of the clock. */
import type { SignedTime } from "./format.js";

const TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)[,.](\d{3})(?:([+-])(\d\d):?(\d\d)|(Z))(?: ([A-Z]))?$/;
const DAY_MINUTES = 1440;
const MINUTE_MS = 60_000;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
/** Whole years 1 to 9999: no other time is one. */
const FIRST_MS = -62_135_596_800_000;
const LAST_MS = 253_402_300_799_999;

/** Read a time and the letter of its clock; `at` is null where the digits are no time, all null where it is no TM. */
export function parseTime(text: string): { readonly at: SignedTime | null; readonly state: string } | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0] = match.slice(1, 8).map(Number);
  const [, , , , , , , , sign, hours = "0", minutes = "0", , state = ""] = match;
  const offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  const real = year >= 1 && day >= 1 && day <= daysIn(year, month) && hour < 24 && minute < 60 && second < 60;
  if (!real || Math.abs(offsetMinutes) >= DAY_MINUTES) return { at: null, state };
  const clockMs = (hour * 60 + minute) * MINUTE_MS + second * 1000 + millis;
  const ms = daysBefore(year, month, day) * DAY_MS + clockMs - offsetMinutes * MINUTE_MS;
  return { at: ms < FIRST_MS || ms > LAST_MS ? null : { ms, offsetMinutes: offsetMinutes + 0 }, state };
}

function daysIn(year: number, month: number): number {
  if (month < 1 || month > 12) return 0;
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
export function daysBefore(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / DAY_MS);
}
