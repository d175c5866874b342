// What the server is told by its environment, read at each request and not at build
// time: one build serves every deployment. Next writes the value of a literal
// `process.env.NEXT_PUBLIC_…` into the build; reading it off `env` keeps it out.

const env = process.env;

/** Origin of the service, without `/api/auth`. */
export const authApiUrl = () => withoutSlash(env.AUTH_API_URL || "http://localhost:3000");

/** Origin of the back end, as the browser reaches it. */
export const apiUrl = () => withoutSlash(env.NEXT_PUBLIC_API_URL || "http://localhost:8000");

/** What shows the service that a client's address comes from this server. */
export const proxySecret = () => env.AUTH_PROXY_SECRET || null;

const withoutSlash = (url: string) => url.replace(/\/+$/, "");
