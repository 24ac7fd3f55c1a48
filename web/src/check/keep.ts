/** Keeps a receipt on the device, so that its check runs without network, after a reload too. */

/** The name of what is kept; a worker of another version keeps nothing under it. */
export const CACHE = "receipts-1";
export const WORKER = "/receipt-worker.js";

/** Keep this page, what it loaded and `more`, where the browser can (secure contexts only). */
export async function keepForLater(more: readonly string[]): Promise<void> {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;
  try {
    const worker = await navigator.serviceWorker.register(WORKER, { scope: "/r/" });
    const cache = await caches.open(CACHE);
    const page = window.location.pathname;
    const loaded = Array.from(document.querySelectorAll("link[href],script[src],img[src]")).map(
      (one) => one.getAttribute("href") ?? one.getAttribute("src") ?? "",
    );
    await Promise.all([
      keep(cache, page, { headers: { Accept: "text/html" } }),
      ...[...loaded, ...more].filter((address) => address.startsWith("/")).map((address) => keep(cache, address)),
    ]);
    await ready(worker);
    document.documentElement.dataset["kept"] = "yes";
  } catch {
    // Without a worker the page that is loaded still checks; only a reload needs the network then.
  }
}

async function keep(cache: Cache, address: string, options: RequestInit = {}): Promise<void> {
  const answer = await fetch(address, options);
  if (answer.status === 200) await cache.put(address, answer);
}

async function ready(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.installing ?? registration.waiting;
  if (registration.active !== null || worker === null) return;
  await new Promise<void>((done) => {
    worker.addEventListener("statechange", () => {
      if (worker.state === "activated") done();
    });
  });
}
