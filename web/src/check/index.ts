/** What a bill, a bundle or a meter's record comes to, in a browser and in words. */
export { judgeBundle, judgeFile, openingsIn, type Judgement, type Shown } from "./judge.js";
export { readTransparency } from "./transparency.js";
export { wordsOf } from "./words.js";
