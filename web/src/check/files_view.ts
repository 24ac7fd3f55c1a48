/** The page on which people check files of their own: chosen or dropped, read here, sent nowhere. */
import { judgeFile } from "./judge.js";
import { el, judgementView, traceView, verdictBox } from "./view.js";
import type { Words } from "./words.js";

const MAX_BYTES = 64 * 1024 * 1024;

/** Fill `place` with the form and, once there is a file, what it comes to. */
export function filesView(place: HTMLElement, words: Words): void {
  const file = input("file", "file");
  const trust = input("file", "trust");
  trust.accept = ".json,application/json";
  const key = document.createElement("textarea");
  key.id = "key";
  key.rows = 2;
  key.spellcheck = false;
  key.autocomplete = "off";
  const result = el("div", "result");
  result.id = "result";
  result.setAttribute("role", "status");
  const drop = el("div", "drop", label(file, words.choose, "button"), file, el("span", "soft", words.drop));
  const more = el("div", "more", field(trust, words.trustFile, words.trustHint), field(key, words.keyField, words.keyHint));
  place.replaceChildren(el("h1", "", words.title), el("p", "soft", words.intro), drop, more, result);

  let given: File | null = null;
  let turn = 0;
  const check = async (): Promise<void> => {
    if (given === null) return;
    turn += 1;
    const mine = turn;
    const [data, believed] = await Promise.all([bytesOf(given), trust.files?.[0] ? bytesOf(trust.files[0]) : null]);
    if (mine !== turn) return; // asked again meanwhile
    const found = judgeFile(data, believed, key.value);
    const trace = found.kind === "bundle" ? traceView(found.report, words) : null;
    result.replaceChildren(el("p", "mono soft", given.name), judgementView(found, words, false), ...(trace ? [trace] : []));
  };
  const run = (): void => {
    check().catch(() => result.replaceChildren(verdictBox("bad", words.unreadable, "", [])));
  };
  const take = (chosen: File | null | undefined): void => {
    given = chosen ?? given;
    run();
  };
  file.addEventListener("click", () => {
    file.value = ""; // the same file, changed meanwhile, can be chosen again
  });
  file.addEventListener("change", () => take(file.files?.[0]));
  trust.addEventListener("change", run);
  key.addEventListener("change", run);
  dropsInto(drop, take);
}

function dropsInto(drop: HTMLElement, take: (file: File | null | undefined) => void): void {
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer?.files[0]);
  });
}

async function bytesOf(file: File): Promise<Uint8Array> {
  if (file.size > MAX_BYTES) throw new RangeError("too large");
  return new Uint8Array(await file.arrayBuffer());
}

function input(type: string, id: string): HTMLInputElement {
  const made = document.createElement("input");
  made.type = type;
  made.id = id;
  return made;
}

function label(control: HTMLElement, text: string, kind = ""): HTMLLabelElement {
  const made = document.createElement("label");
  made.htmlFor = control.id;
  made.className = kind;
  made.append(text);
  return made;
}

function field(control: HTMLElement, name: string, hint: string): HTMLElement {
  const told = el("p", "soft small", hint);
  told.id = `${control.id}-hint`;
  control.setAttribute("aria-describedby", told.id);
  return el("div", "", label(control, name), control, told);
}
