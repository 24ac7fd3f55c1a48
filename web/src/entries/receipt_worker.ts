/**
 * The receipts' service worker: whatever a receipt loads comes from the network where there is one, else from what the
 * receipt's page kept. It stores nothing itself and asks nobody anything on its own.
 */

import { CACHE } from "../check/keep.js";

interface Fetching extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
  waitUntil(work: Promise<unknown>): void;
}

interface Worker {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(name: string, listener: (event: Fetching) => void): void;
}

const worker = self as unknown as Worker;

worker.addEventListener("install", (event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const mine = origin === self.location.origin && /^\/(?:r|static)\//.test(pathname);
  if (mine && request.method === "GET") event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(request.url, { ignoreVary: true });
    if (kept === undefined) throw error;
    return kept;
  }
}
