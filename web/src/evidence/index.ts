/** What a meter signed, checked with its key and read without trust: OCMF, in the reader's own browser. */
export { keyBytes } from "./curves.js";
export { effectOf, energyOf, type Checked, type Finding, type Meaning, type Verdict } from "./format.js";
export { check, verify } from "./ocmf.js";
export { continuity, meaningOf } from "./ocmf_meaning.js";
export { looksLikeOcmf, parse, type OcmfRecord } from "./ocmf_record.js";
export { Unreadable } from "./strict_json.js";
