export const HOME = "/dashboard";

/**
 * Where to go after a sign-in. The address bar is anybody's to write, so only a path of this origin
 * counts: no other site, no `javascript:`, and nothing that a browser would read as another host.
 */
export function callbackPath(wanted: string | null | undefined): string {
  if (!wanted || typeof window === "undefined") return HOME;
  const { origin } = window.location;
  if (!URL.canParse(wanted, origin)) return HOME;
  const { origin: target, pathname, search, hash } = new URL(wanted, origin);
  const elsewhere = target !== origin || pathname.startsWith("//");
  const noPage = pathname.startsWith("/api/") || pathname === "/login";
  return elsewhere || noPage ? HOME : pathname + search + hash;
}

/** `page?callbackUrl=…`; without a target, or with the usual one, `page` alone. It is looked at when it is used. */
export const withCallback = (page: string, target: string | undefined) =>
  !target || target === HOME ? page : `${page}?${new URLSearchParams({ callbackUrl: target })}`;
