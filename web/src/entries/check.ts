/** The page that checks files of one's own. */

import { filesView } from "../check/files_view.js";
import { wordsOf } from "../check/words.js";

const place = document.getElementById("check");
const language = document.documentElement.lang || navigator.language;
if (place !== null) {
  const words = wordsOf(language);
  document.title = `${words.title} · wattseal`;
  filesView(place, words);
}
