/** A moment on the wall: days since 1970-01-01, milliseconds of that day, 0 for Monday. */
export interface Local {
  readonly day: number;
  readonly clockMs: number;
  readonly weekday: number;
}
