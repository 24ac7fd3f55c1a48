/** A receipt that checks itself: what it shows is held against the evidence, here, and once loaded without network. */

import { keepForLater } from "../check/keep.js";
import { judgeBundle, openingsIn, type Shown } from "../check/judge.js";
import { el, judgementView, traceView, verdictBox } from "../check/view.js";
import { wordsOf, type Words } from "../check/words.js";

const RETRIES = 30;

const root = document.getElementById("receipt");
if (root !== null) {
  const words = wordsOf(document.documentElement.lang);
  localTimes(words);
  start(root, words).catch(() => show(root, [verdictBox("grey", words.grey, words.gone, [])]));
}

async function start(page: HTMLElement, words: Words): Promise<void> {
  show(page, [el("p", "soft", words.checking)]);
  const { bundle = "", trust = "" } = page.dataset;
  const data = await fetched(bundle, () => show(page, [verdictBox("grey", words.grey, words.waiting, [])]));
  const believed = data === null ? null : await fetched(trust, () => undefined);
  if (data === null) {
    show(page, [verdictBox("grey", words.grey, words.gone, [])]);
    return;
  }
  const check = (): void => {
    const found = judgeBundle(data, believed, openings(), figures(page));
    const offline = navigator.onLine ? null : el("p", "soft small", words.offline);
    show(page, [judgementView(found, words, true), el("p", "soft small", words.trustNote), offline]);
    document.getElementById("trace")?.replaceChildren(...[traceView(found.report, words)].filter((part) => part !== null));
    page.dataset["light"] = found.light;
  };
  check();
  document.getElementById("again")?.addEventListener("click", check);
  window.addEventListener("hashchange", check);
  await keepForLater([bundle, trust]);
}

/** What the fragment opens; one that cannot be read opens nothing, and the check says what is missing. */
function openings(): ReturnType<typeof openingsIn> {
  try {
    return openingsIn(window.location.hash);
  } catch {
    return [];
  }
}

/** The bytes at an address; while they are being made `waits` is called. Null where there are none. */
async function fetched(address: string, waits: () => void): Promise<Uint8Array | null> {
  for (let turn = 0; turn < RETRIES; turn += 1) {
    const answer = await fetch(address);
    if (answer.status !== 202) return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
    waits();
    const pause = Number(answer.headers.get("Retry-After") ?? "5");
    await new Promise((done) => setTimeout(done, Math.min(Math.max(pause, 1), 60) * 1000));
  }
  return null;
}

function figures(page: HTMLElement): Shown {
  const { energyWh = "", net = "", charged = "", currency = "", ruled = "" } = page.dataset;
  return { energyWh, net, charged, currency, ruled: ruled !== "" };
}

function show(page: HTMLElement, parts: readonly (Node | null)[]): void {
  const place = document.getElementById("verdict") ?? page;
  place.replaceChildren(...parts.filter((part) => part !== null));
}

/** Times as the reader's own clock has them. */
function localTimes(words: Words): void {
  const day = { year: "numeric", month: "short", day: "numeric" } as const;
  const clock = { hour: "2-digit", minute: "2-digit", timeZoneName: "short" } as const;
  const format = new Intl.DateTimeFormat(words.locale, { ...day, ...clock });
  for (const time of Array.from(document.querySelectorAll("time[datetime]"))) {
    const at = new Date(time.getAttribute("datetime") ?? "");
    if (!Number.isNaN(at.getTime())) time.textContent = format.format(at);
  }
}
