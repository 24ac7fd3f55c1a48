/** Passkeys: signing in with one, and making one on one's own page. Without script, passwords do. */

type Json = Record<string, unknown>;

interface Descriptor {
  readonly id: string;
  readonly type: "public-key";
}

const byId = (id: string): HTMLElement | null => document.getElementById(id);

function bytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function text(data: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function send(path: string, body: Json, csrf: string): Promise<Response> {
  const headers = { "Content-Type": "application/json", "X-CSRF": csrf };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), redirect: "manual" });
}

/** What is asked of the browser; the challenge and the ids come as text. */
async function asked(path: string, csrf: string): Promise<Json | null> {
  const answer = await send(path, {}, csrf);
  return answer.ok ? ((await answer.json()) as Json) : null;
}

async function use(): Promise<boolean> {
  const options = await asked("/login/passkey/challenge", "");
  if (options === null) return false;
  const publicKey = { ...options, allowCredentials: [], challenge: bytes(String(options["challenge"])) };
  const found = await navigator.credentials.get({ publicKey });
  if (!(found instanceof PublicKeyCredential) || !(found.response instanceof AuthenticatorAssertionResponse)) {
    return false;
  }
  const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
  const response = {
    authenticatorData: text(authenticatorData),
    clientDataJSON: text(clientDataJSON),
    signature: text(signature),
    ...(userHandle === null ? {} : { userHandle: text(userHandle) }),
  };
  const body = { id: found.id, rawId: text(found.rawId), type: found.type, response };
  return (await send("/login/passkey", body, "")).ok;
}

async function make(csrf: string): Promise<boolean | null> {
  const options = await asked("/profile/passkey/challenge", csrf);
  if (options === null) return null;
  const user = options["user"] as { id: string; name: string; displayName: string };
  const known = options["excludeCredentials"] as Descriptor[];
  const publicKey = {
    ...options,
    challenge: bytes(String(options["challenge"])),
    excludeCredentials: known.map((one) => ({ ...one, id: bytes(one.id) })),
    user: { ...user, id: bytes(user.id) },
  } as unknown as PublicKeyCredentialCreationOptions;
  const made = await navigator.credentials.create({ publicKey });
  if (!(made instanceof PublicKeyCredential) || !(made.response instanceof AuthenticatorAttestationResponse)) {
    return false;
  }
  const { attestationObject, clientDataJSON } = made.response;
  const response = { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON) };
  return (await send("/profile/passkey", { id: made.id, rawId: text(made.rawId), type: made.type, response }, csrf)).ok;
}

/** Do it when the button is pressed; say so where it did not work. */
function offer(box: HTMLElement | null, button: HTMLElement | null, doing: (box: HTMLElement) => Promise<string>): void {
  const trouble = byId("passkey-trouble");
  if (box === null || button === null || trouble === null || !("PublicKeyCredential" in window)) return;
  box.classList.remove("hidden");
  button.addEventListener("click", () => {
    trouble.textContent = "";
    doing(box)
      .catch(() => box.dataset["failed"] ?? "")
      .then((said) => {
        trouble.textContent = said;
      });
  });
}

offer(byId("passkey"), byId("use-passkey"), async (box) => {
  if (!(await use())) return box.dataset["failed"] ?? "";
  location.assign(box.dataset["next"] ?? "/");
  return "";
});

offer(byId("new-passkey"), byId("make-passkey"), async (box) => {
  const made = await make(box.dataset["csrf"] ?? "");
  if (made === null) {
    location.assign("/login?next=%2Fprofile");
    return box.dataset["again"] ?? "";
  }
  if (!made) return box.dataset["failed"] ?? "";
  location.assign("/profile?done=passkey");
  return "";
});
