/** The drawer at the side: what a link puts into it takes the focus; Escape or its button close it and give that back. */

let opener: HTMLElement | null = null;

const drawer = (): HTMLElement | null => document.getElementById("drawer");

function close(): void {
  const at = drawer();
  if (at === null || at.childElementCount === 0) return;
  at.replaceChildren();
  opener?.focus();
  opener = null;
}

export function drawers(): void {
  document.addEventListener("click", (event) => {
    const clicked = event.target instanceof Element ? event.target : null;
    if (clicked?.closest("#drawer [data-close]")) close();
    const link = clicked?.closest<HTMLElement>('[hx-target="#drawer"]');
    if (link) opener = link;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const at = drawer();
    if (at !== null && event.target === at) at.querySelector<HTMLElement>("[role=dialog]")?.focus();
  });
}
