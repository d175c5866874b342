// This server's side of the service: whom it calls for, and who is signed in.

import { isIP } from "node:net";
import { authApiUrl, proxySecret } from "./config";

const SECRET_HEADER = "x-auth-proxy-secret";
const CLIENT_HEADER = "x-auth-client-ip";

/**
 * The headers to call the service with on behalf of a visitor: the visitor's own, and, when
 * this server has the proxy secret, the visitor's address. Without that, everybody behind this
 * server would be one client to the service's limits. A visitor's own words about either are
 * dropped.
 */
export function headersForService(visitor: Headers): Headers {
  const headers = new Headers(visitor);
  headers.delete(SECRET_HEADER);
  headers.delete(CLIENT_HEADER);
  const secret = proxySecret();
  const address = visitorAddress(visitor);
  if (secret && address) {
    headers.set(SECRET_HEADER, secret);
    headers.set(CLIENT_HEADER, address);
  }
  return headers;
}

/**
 * The last entry of `X-Forwarded-For`: the one that the host in front of this server has added.
 * All before it are the visitor's own words. That there is such a host is a condition: a `next
 * start` which faces the internet itself keeps the header that a visitor sends, and anybody could
 * be anybody to the limits. Then leave `AUTH_PROXY_SECRET` unset. With more than one proxy of your
 * own, count as many entries from the end.
 */
function visitorAddress(visitor: Headers): string | null {
  const last = visitor.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  const address = last.replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(address) ? address : null;
}

/** Whether the service knows the session of these cookies; null if it does not answer. */
export async function hasSession(visitor: Headers): Promise<boolean | null> {
  try {
    // Looks, and leaves the extension to the browser's own request, which gets the cookie.
    const response = await fetch(`${authApiUrl()}/api/auth/get-session?disableRefresh=true`, {
      headers: { cookie: visitor.get("cookie") ?? "", accept: "application/json" },
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(3000),
    });
    return response.ok ? (await response.json()) !== null : null;
  } catch {
    return null;
  }
}
