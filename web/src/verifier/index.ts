/**
 * The verifier of bundles (`.wsb`) for browsers: docs/spec/bundle.md, step by step, with no code of the server's.
 *
 *     const report = verifyBundle(bytes, parseTrust(trustBytes), openings);
 */

export { openingFrom, parseBundle, type Bundle } from "./bundle.js";
export { base64, fromBase64, fromHex, hex } from "./bytes.js";
export { checkChain } from "./chain.js";
export { verifyBundle } from "./check.js";
export { publicKey, sha256, verifies } from "./crypto.js";
export { decode, encode, Tagged, type Fields, type Int, type Value } from "./dcbor.js";
export { Decimal, decimalFrom } from "./decimal.js";
export { CborError, InputError, LimitError } from "./errors.js";
export { readCdr, readDecision, readIdentity, readMeter, readOps, readSettlement } from "./fields.js";
export { checkOpening, decodeContent, openPlain, type Content, type Opening } from "./groups.js";
export { Group, Kind, leafEntry, parseItem, placeText, verifyItem, type Item, type Payload } from "./item.js";
export { checkNote, cosignedAtS, parseCheckpoint, parseNote, parseVkey } from "./notes.js";
export * from "./pricer.js";
export { includes, parseProof, verifyInclusion } from "./proof.js";
export * from "./report.js";
export { parseTrust, type Trust } from "./trust.js";
