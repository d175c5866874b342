import { magicLinkClient, twoFactorClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/react";
import { setAccessToken } from "./token";

/**
 * The unmodified client of Better Auth. It talks to this very origin, which hands `/api/auth` on to
 * the service (`proxy.ts`): the session is in a first-party cookie that no script can read.
 */
export const authClient = createAuthClient({
  plugins: [twoFactorClient(), magicLinkClient()],
  fetchOptions: {
    onSuccess: ({ request, data, response }) => keepAccessToken(String(request.url), data, response),
    onResponse: ({ response }) => withWait(response),
  },
});

export const { signUp, signIn, signOut, getSession, useSession } = authClient;

/**
 * The service gives an access token with every sign-in and every get-session, as `token` of the
 * body and in the header `set-auth-jwt`. `null` for a session says that there is none.
 */
function keepAccessToken(url: string, data: unknown, response: Response) {
  const inBody = isRecord(data) && "user" in data && typeof data.token === "string" ? data.token : null;
  const token = response.headers.get("set-auth-jwt") ?? inBody;
  if (token) setAccessToken(token);
  else if (data === null && new URL(url, location.origin).pathname.endsWith("/get-session")) setAccessToken(null);
}

/** Puts the wait of a 429 or 503 into the error's body: the client's errors have no headers. */
async function withWait(response: Response): Promise<Response> {
  const wait = Number(response.headers.get("retry-after") ?? response.headers.get("x-retry-after"));
  if (response.ok || !Number.isFinite(wait) || wait <= 0) return response;
  const body: unknown = await response.json().catch(() => null);
  const { status, statusText, headers } = response;
  return Response.json({ ...(isRecord(body) ? body : {}), retryAfter: wait }, { status, statusText, headers });
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
