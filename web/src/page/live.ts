/**
 * Pages that follow what happens: hints of the feed have the page fetched again, and the parts that changed swapped.
 *
 * A part says what it follows: `data-live="session broken:ID"`. It has an id; the part of the same id in the new page
 * takes its place. Nothing of the answer is run: it is parsed as a document of its own.
 */

import htmx from "htmx.org";

const KINDS = ["session", "verdict", "broken", "station", "alarm"] as const;
const WAIT_MS = 1500;
let due: number | undefined;
let busy = false;
let again = false;

const parts = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>("[data-live][id]")];

function follows(part: HTMLElement, kind: string, about: string): boolean {
  const wanted = (part.dataset["live"] ?? "").split(/\s+/);
  return wanted.includes(kind) || wanted.includes(`${kind}:${about}`);
}

function swap(old: HTMLElement, found: Element): void {
  const copy = document.importNode(found, true);
  if (copy.innerHTML === old.innerHTML) return;
  const open = [...old.querySelectorAll<HTMLDetailsElement>("details[open]")].map((one) => one.innerText.slice(0, 40));
  const focused = document.activeElement?.id ?? "";
  old.replaceWith(copy);
  copy.classList.add("flash");
  copy.querySelectorAll("details").forEach((one) => (one.open ||= open.includes(one.innerText.slice(0, 40))));
  htmx.process(copy);
  if (focused !== "") document.getElementById(focused)?.focus();
}

async function refresh(): Promise<void> {
  due = undefined;
  if (busy || document.hidden) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.ok && !answer.redirected) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts()) {
        const found = page.getElementById(part.id);
        if (found !== null) swap(part, found);
      }
    }
  } catch {
    // The feed tells of the next change, and the page is asked for again then.
  }
  busy = false;
  if (again) soon();
}

function soon(): void {
  again = false;
  due ??= setTimeout(() => void refresh(), WAIT_MS);
}

/** Follow the feed, where the page has a part that wants to. */
export function listen(): void {
  if (parts().length === 0) return;
  const feed = new EventSource("/events");
  let connected = false;
  feed.addEventListener("open", () => {
    if (connected) soon();
    connected = true;
    document.documentElement.dataset["feed"] = "open";
  });
  for (const kind of KINDS) {
    feed.addEventListener(kind, (event: MessageEvent<string>) => {
      if (parts().some((part) => follows(part, kind, event.data))) soon();
    });
  }
  feed.addEventListener("reload", soon);
  feed.addEventListener("over", () => feed.close());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && again) soon();
  });
}
