/** The menu of narrow screens: Escape and a click beside it close it, as they close every other menu. */

const menu = (): HTMLDetailsElement | null => document.querySelector("details.menu[open]");

export function menus(): void {
  document.addEventListener("click", (event) => {
    const open = menu();
    if (open !== null && event.target instanceof Node && !open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = menu();
    if (event.key !== "Escape" || open === null) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  });
}
