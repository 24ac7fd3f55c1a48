/** Buttons that copy the text they carry, and say so; they are shown only where this script runs. */

const SAID_MS = 2000;

/** Copy, also where the page did not come over TLS and the browser keeps its clipboard from scripts. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

async function pressed(button: HTMLElement): Promise<void> {
  const { copy: text = "", done = "" } = button.dataset;
  if (!(await copy(text))) return;
  const before = button.textContent;
  if (before === done) return;
  button.textContent = done;
  button.focus();
  setTimeout(() => (button.textContent = before), SAID_MS);
}

export function copies(): void {
  document.documentElement.classList.add("scripted");
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("button[data-copy]") : null;
    if (button !== null) void pressed(button);
  });
}
