import { getAccessToken, refreshAccessToken } from "@/lib/auth/token";

/** What an API answered that it could not do, as a sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Calls the back end with the access token. A token that it refuses is renewed once, by the session
 * cookie; of requests that fail together, one renews it for all. Whoever has no session any more
 * is sent to sign in.
 */
export async function apiRequest(endpoint: string, options: RequestInit = {}): Promise<Response> {
  let token = getAccessToken() ?? (await refreshAccessToken(null));
  let response = token ? await send(endpoint, options, token) : null;
  if (response?.status === 401) {
    token = await refreshAccessToken(token);
    response = token ? await send(endpoint, options, token) : null;
  }
  if (!response || response.status === 401) {
    signInAgain();
    throw new ApiError(401, "Please sign in again.");
  }
  if (!response.ok) throw new ApiError(response.status, await explain(response));
  return response;
}

async function send(endpoint: string, options: RequestInit, token: string) {
  const headers = new Headers(options.headers);
  headers.set("authorization", `Bearer ${token}`);
  if (options.body) headers.set("content-type", "application/json");
  try {
    return await fetch(apiUrl() + endpoint, { ...options, headers });
  } catch {
    throw new ApiError(0, "The to-do API cannot be reached. Check your connection, then try again.");
  }
}

/** `reason` keeps the sign-in page from sending a session that the back end refuses straight back. */
function signInAgain() {
  const { pathname, search } = window.location;
  const login = new URL("/login", window.location.origin);
  login.searchParams.set("reason", "expired");
  login.searchParams.set("callbackUrl", pathname + search);
  window.location.assign(login);
}

async function explain(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : null;
  return typeof detail === "string" ? detail : `The to-do API answered with an error (${response.status}).`;
}

/** The layout writes it into the document, so that the address is not built in. */
const apiUrl = () => document.documentElement.dataset.apiUrl ?? "";
