// Better Auth on Lambda behind an HTTP API, as its users deploy it: the handler
// is made once, outside of the invocations, and events are translated to the
// Request and Response that it speaks.

// Not by way of better-auth/adapters/memory: bundled by esbuild, that one is
// used before it is initialised.
import { memoryAdapter } from "@better-auth/memory-adapter";
// The package's own entry, as its documentation has it.
import { betterAuth } from "better-auth";
import { bearer, jwt } from "better-auth/plugins";

const baseURL = process.env.AUTH_BASE_URL ?? "http://localhost:3000";

const auth = betterAuth({
	baseURL,
	secret: process.env.AUTH_SECRET ?? "a-secret-for-benchmarks-of-more-than-32-bytes",
	// No database at all: a read costs the reference nothing.
	database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [], ...rows() }),
	emailAndPassword: { enabled: true },
	plugins: [jwt(), bearer()],
	rateLimit: { enabled: false },
	telemetry: { enabled: false },
	logger: { disabled: true },
});

/** Rows to start with, by which a new process knows a session as a table would. */
function rows() {
	const date = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
	const revive = (_key, value) => (date.test(value) ? new Date(value) : value);
	return JSON.parse(process.env.PEER_ROWS ?? "{}", revive);
}

/** Handles one event of payload format 2.0. */
export async function handler(event) {
	return toResult(await auth.handler(toRequest(event)));
}

function toRequest({ rawPath, rawQueryString, headers, cookies, requestContext, body, isBase64Encoded }) {
	const url = new URL(rawQueryString ? `${rawPath}?${rawQueryString}` : rawPath, baseURL);
	const sent = new Headers(headers);
	if (cookies) sent.set("cookie", cookies.join("; "));
	const { method } = requestContext.http;
	const hasBody = body !== undefined && method !== "GET" && method !== "HEAD";
	return new Request(url, {
		method,
		headers: sent,
		body: hasBody ? Buffer.from(body, isBase64Encoded ? "base64" : "utf8") : undefined,
	});
}

async function toResult(response) {
	const cookies = response.headers.getSetCookie();
	const headers = Object.fromEntries(response.headers);
	delete headers["set-cookie"];
	return { statusCode: response.status, headers, cookies, body: await response.text(), isBase64Encoded: false };
}
