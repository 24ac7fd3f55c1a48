/** What the check says, in English and German. */
import en from "./words_en.js";
import de from "./words_de.js";

export type Words = typeof en;

/** The words of a language such as "de-AT"; English where there are none. */
export function wordsOf(language: string): Words {
  return language.toLowerCase().startsWith("de") ? de : en;
}
