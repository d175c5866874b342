// What stands before every page (Next's name for the middleware):
//
// - /api/auth/* goes to the service, so that its cookies are this origin's own;
// - who is not signed in is led from the app's pages to the sign-in;
// - pages get a Content-Security-Policy with a nonce.

import { NextResponse, type NextRequest } from "next/server";
import { headersForService, hasSession } from "@/lib/server/authService";
import { authApiUrl } from "@/lib/server/config";
import { contentSecurityPolicy } from "@/lib/server/contentSecurityPolicy";

/** Pages for people who are signed in, with all that is below them. */
const APP_PAGES = ["/dashboard", "/settings"];

/** The session cookie; on https its name has a prefix. */
const SESSION_COOKIES = ["better-auth.session_token", "__Secure-better-auth.session_token"];

export async function proxy(request: NextRequest) {
  const { pathname } = request.nextUrl;
  if (pathname.startsWith("/api/auth/")) return toService(request);
  if (isAppPage(pathname) && !(await maySeeApp(request))) return toLogin(request);
  return page(request);
}

/** Hands the request on as it came; the answer, redirects and cookies too, as it comes back. */
function toService(request: NextRequest) {
  const { pathname, search } = request.nextUrl;
  return NextResponse.rewrite(new URL(pathname + search, authApiUrl()), {
    request: { headers: headersForService(request.headers) },
  });
}

/**
 * A convenience, and no guard: it spares people a page that could show them nothing. A cookie alone
 * says little, so the service is asked whether its session lives. But what is worth protecting is
 * data, and data comes from the APIs: each verifies the session or the access token of every single
 * request. So a page is shown while the service cannot be reached, and says so itself.
 */
async function maySeeApp(request: NextRequest): Promise<boolean> {
  const hasCookie = SESSION_COOKIES.some((name) => request.cookies.has(name));
  return hasCookie && ((await hasSession(request.headers)) ?? true);
}

function toLogin(request: NextRequest) {
  const { pathname, search } = request.nextUrl;
  const login = new URL("/login", request.url);
  login.searchParams.set("callbackUrl", pathname + search);
  return NextResponse.redirect(login);
}

function page(request: NextRequest) {
  const nonce = Buffer.from(crypto.randomUUID()).toString("base64");
  const policy = contentSecurityPolicy(nonce);
  // Next reads the nonce off the request's policy for its own scripts.
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  return response;
}

const isAppPage = (pathname: string) => APP_PAGES.some((page) => pathname === page || pathname.startsWith(`${page}/`));

export const config = {
  matcher: [
    "/api/auth/:path*",
    {
      source: "/((?!api/auth/|_next/static|_next/image|icon.svg|favicon.ico).*)",
      // What the router loads ahead is no document, and not worth a question to the service.
      missing: [{ type: "header", key: "next-router-prefetch" }],
    },
  ],
};
