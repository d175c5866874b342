// The access token that back ends verify. Kept in memory alone: what lies in localStorage can be
// read by any script that ever gets into a page, and outlives the tab. A reload gets a new one by
// the cookie.

let current: string | null = null;
let refreshing: Promise<string | null> | null = null;
const listeners = new Set<() => void>();

export const getAccessToken = () => current;

export function setAccessToken(token: string | null) {
  if (token === current) return;
  current = token;
  listeners.forEach((listener) => listener());
}

export function subscribeToAccessToken(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * A token other than `refused`, or null for whoever is not signed in any more. Whoever asks while
 * it is fetched waits for the same one.
 *
 * Throws when the service cannot tell, which is no reason to sign in again.
 */
export async function refreshAccessToken(refused: string | null): Promise<string | null> {
  if (current !== null && current !== refused) return current;
  refreshing ??= fetchAccessToken().finally(() => (refreshing = null));
  return refreshing;
}

async function fetchAccessToken(): Promise<string | null> {
  const response = await fetch("/api/auth/token", { cache: "no-store" });
  if (!response.ok && response.status !== 401) throw new Error("The sign-in service does not answer.");
  const token = response.ok ? ((await response.json()) as { token: string }).token : null;
  setAccessToken(token);
  return token;
}
