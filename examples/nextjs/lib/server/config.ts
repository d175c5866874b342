// What the server is told by its environment, read at each request and not at build
// time: one build serves every deployment. Next writes the value of `NEXT_PUBLIC_…`
// into the build wherever it finds the name on `process.env`, an alias of it too; it
// cannot see which name a function is called with.

const read = (name: string) => process.env[name];

/** Origin of the service, without `/api/auth`. */
export const authApiUrl = () => withoutSlash(read("AUTH_API_URL") || "http://localhost:3000");

/** Origin of the back end, as the browser reaches it. */
export const apiUrl = () => withoutSlash(read("NEXT_PUBLIC_API_URL") || "http://localhost:8000");

/** What shows the service that a client's address comes from this server. */
export const proxySecret = () => read("AUTH_PROXY_SECRET") || null;

const withoutSlash = (url: string) => url.replace(/\/+$/, "");
