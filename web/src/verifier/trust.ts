/** The trust file: what a verifier believes before it opens a bundle (docs/spec/trust.md). */

import { parseObject, type Json, type JsonObject } from "../evidence/strict_json.js";
import { Decimal } from "../exact/decimal.js";
import { fromBase64, text as decoded } from "./bytes.js";
import { publicKey } from "./crypto.js";
import { InputError } from "./errors.js";
import { parseVkey, type VerifierKey } from "./notes.js";
import { Registry, type Root } from "./registry.js";
import { parseStatement, type Statement } from "./signed.js";

const MAX_TRUST_BYTES = 4 * 1024 * 1024;
const NAMES = ["wattseal_trust", "registries", "logs", "witnesses", "quorum", "entries", "contract_roots"];

/** A log or witness (its key bears its name) and the party that runs it. */
export interface Runner {
  readonly key: VerifierKey;
  readonly party: string;
}

/** Registry roots, logs, witnesses with the quorum (how many distinct parties must cosign), and known entries. */
export interface Trust {
  readonly registries: readonly Root[];
  readonly logs: readonly Runner[];
  readonly witnesses: readonly Runner[];
  readonly quorum: number;
  readonly entries: readonly Statement[];
  /** Certificates in DER of whoever issues contracts to vehicles. */
  readonly contractRoots: readonly Uint8Array[];
}

/** A registry of the trust file's entries and `more`, and why some of them were refused. */
export function examine(trust: Trust, more: readonly Statement[]): [Registry, string[]] {
  const registry = new Registry(trust.registries);
  return [registry, registry.addAll([...trust.entries, ...more])];
}

/** Parse a trust file; an `InputError` names the field. */
export function parseTrust(data: Uint8Array): Trust {
  const value = parsed(data);
  if (number(value.get("wattseal_trust")) !== 1) {
    throw refused('a trust file says "wattseal_trust": 1', "wattseal_trust");
  }
  const unknown = [...value.keys()].filter((name) => !NAMES.includes(name)).sort()[0];
  if (unknown !== undefined) {
    throw refused(`unknown field ${unknown}`, unknown);
  }
  const quorum = number(value.get("quorum"));
  if (quorum === undefined || quorum < 1 || quorum > 64) {
    throw refused("quorum is the number of witness parties that must cosign, at least 1", "quorum");
  }
  return {
    registries: list(value, "registries").map((root) => ({
      name: text(root, "name"),
      key: publicKey(bytes(text(root, "public_key"), "public_key")),
      party: text(root, "party"),
    })),
    logs: list(value, "logs").map(runner),
    witnesses: list(value, "witnesses").map(runner),
    quorum,
    entries: list(value, "entries").map((entry) => parseStatement(bytes(entry, "entries"))),
    contractRoots: list(value, "contract_roots").map((root) => bytes(root, "contract_roots")),
  };
}

function parsed(data: Uint8Array): JsonObject {
  if (data.length > MAX_TRUST_BYTES) {
    throw refused(`a trust file has at most ${MAX_TRUST_BYTES} bytes`, "size");
  }
  try {
    return parseObject(decoded(data));
  } catch {
    throw refused("a trust file is JSON; see docs/spec/trust.md", "json");
  }
}

function refused(message: string, subject: string): InputError {
  return new InputError(message, "bad_trust_file", subject);
}

function number(value: Json | undefined): number | undefined {
  return value instanceof Decimal && value.exponent === 0 ? Number(value.mantissa) : undefined;
}

function list(value: JsonObject, name: string): readonly Json[] {
  const found = value.get(name) ?? [];
  if (!Array.isArray(found)) {
    throw refused(`${name} is a list`, name);
  }
  return found as readonly Json[];
}

function text(value: Json, name: string): string {
  const found = value instanceof Map ? (value as JsonObject).get(name) : undefined;
  if (typeof found !== "string" || found === "") {
    throw refused(`${name} is missing or not text`, name);
  }
  return found;
}

function bytes(value: Json, name: string): Uint8Array {
  const found = typeof value === "string" && value !== "" ? fromBase64(value) : undefined;
  if (found === undefined) {
    throw refused(`${name} is not base64`, name);
  }
  return found;
}

function runner(value: Json): Runner {
  return { key: parseVkey(text(value, "vkey")), party: text(value, "party") };
}
