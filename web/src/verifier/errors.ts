/** Bytes from outside that cannot be accepted: a stable code, and the field or place it is about. */
export class InputError extends Error {
  readonly code: string;
  readonly subject: string;

  constructor(text: string, code: string, subject = "") {
    super(text);
    this.code = code;
    this.subject = subject;
  }
}

/** Bytes that are not deterministic CBOR of the allowed shape. */
export class CborError extends InputError {
  constructor(text: string, subject: string, code = "bad_cbor") {
    super(text, code, subject);
  }
}

/** Input beyond a stated limit. */
export class LimitError extends InputError {
  constructor(text: string, subject: string) {
    super(text, "limit_exceeded", subject);
  }
}
