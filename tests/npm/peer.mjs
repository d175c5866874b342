// The reference: better-auth as npm has it, on a free port, configured as the
// service's development profile is. Everything is in memory.
//
//   node peer.mjs [--port N] [--verification-required]
//
// Environment (all optional, named like the service's own settings):
//   AUTH_TRUSTED_ORIGINS  comma-separated origins and patterns
//   AUTH_SECRET           signing secret
//   OAUTH_PROVIDER_URL    base URL of a stand-in for Google and GitHub (idp.mjs)
//
// Prints `ready http://localhost:PORT` when it listens. The mails it "sent" are
// at /__mail.json?to=ADDRESS, newest first, as the local stack shows its own.

// Better Auth skips its origin checks under NODE_ENV=test, and limits rates and
// hides its error page under `production`.
process.env.NODE_ENV = "development";
process.env.BETTER_AUTH_TELEMETRY = "0";

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { linksIn } from "./lib/mail.mjs";
import { oauthClients, providerEndpoints, redirectFetch, trustedOrigins } from "./lib/settings.mjs";

// Imported late: the module reads NODE_ENV when it is evaluated.
const { betterAuth } = await import("better-auth");
const { memoryAdapter } = await import("better-auth/adapters/memory");
const { bearer, jwt, magicLink, twoFactor } = await import("better-auth/plugins");

const provider = process.env.OAUTH_PROVIDER_URL;
if (provider) redirectFetch(providerEndpoints(provider));

// Better Auth's own scrypt takes most of the time of a run, and is not what is compared.
const cheapHash = {
	hash: async (password) => createHash("sha256").update(password.normalize("NFKC")).digest("hex"),
	verify: async ({ hash, password }) => (await cheapHash.hash(password)) === hash,
};

const outbox = [];
const server = createServer();
server.listen(portArgument(), "127.0.0.1", () => {
	const baseURL = `http://localhost:${server.address().port}`;
	const auth = reference(baseURL);
	server.on("request", (request, response) => {
		const [path, query] = request.url.split("?");
		if (path === "/__mail.json") return sendMail(new URLSearchParams(query).get("to"), response);
		return answer(auth, baseURL, request, response);
	});
	console.log(`ready ${baseURL}`);
});

function reference(baseURL) {
	const authorization = (name) =>
		provider ? { authorizationEndpoint: `${provider}/${name}/authorize` } : {};
	return betterAuth({
		appName: "lambda-auth",
		baseURL,
		secret: process.env.AUTH_SECRET ?? "a-secret-for-tests-of-more-than-32-bytes",
		trustedOrigins: (process.env.AUTH_TRUSTED_ORIGINS ?? trustedOrigins.join(",")).split(",").filter(Boolean),
		database: memoryAdapter({ user: [], session: [], account: [], verification: [], jwks: [], twoFactor: [] }),
		emailAndPassword: {
			enabled: true,
			requireEmailVerification: process.argv.includes("--verification-required"),
			password: cheapHash,
			sendResetPassword: mailLink("Reset your password"),
		},
		emailVerification: { sendVerificationEmail: mailLink("Verify your e-mail address") },
		user: {
			changeEmail: {
				enabled: true,
				sendChangeEmailConfirmation: mailLink("Change of your e-mail address"),
			},
			deleteUser: { enabled: true },
		},
		socialProviders: {
			google: { ...oauthClients.google, ...authorization("google") },
			github: { ...oauthClients.github, ...authorization("github") },
		},
		plugins: [
			jwt(),
			bearer(),
			magicLink({ sendMagicLink: async ({ email, url }) => mail(email, "Your link to sign in", url) }),
			twoFactor({ otpOptions: { sendOTP: async ({ user, otp }) => mail(user.email, "Your code to sign in", otp) } }),
		],
		rateLimit: { enabled: false },
		telemetry: { enabled: false },
		logger: { disabled: true },
	});
}

// Not better-auth's own node adapter: that one drops a body that has no content
// type, which a gateway in front of a Lambda does not.
async function answer(auth, baseURL, incoming, outgoing) {
	try {
		const chunks = await incoming.toArray();
		const bodyless = chunks.length === 0 || ["GET", "HEAD"].includes(incoming.method);
		const { status, headers, body } = await auth.handler(
			new Request(baseURL + incoming.url, {
				method: incoming.method,
				headers: incoming.headers,
				body: bodyless ? undefined : Buffer.concat(chunks),
			}),
		);
		const cookies = headers.getSetCookie();
		headers.delete("set-cookie");
		outgoing.writeHead(status, { ...Object.fromEntries(headers), ...(cookies.length ? { "set-cookie": cookies } : {}) });
		outgoing.end(body ? Buffer.from(await new Response(body).arrayBuffer()) : undefined);
	} catch (error) {
		console.error(error);
		outgoing.writeHead(500, { "content-type": "text/plain" }).end(String(error));
	}
}

function mailLink(subject) {
	return async ({ user, url }) => mail(user.email, subject, url);
}

function mail(to, subject, content) {
	const text = `${subject}: ${content}`;
	const html = `<p>${text.replaceAll("&", "&amp;")}</p>`;
	outbox.unshift({ to, subject, text, html, links: linksIn(text) });
}

function sendMail(to, response) {
	const mails = to ? outbox.filter((mail) => mail.to === to) : outbox;
	response.writeHead(200, { "content-type": "application/json" });
	response.end(JSON.stringify(mails));
}

function portArgument() {
	const at = process.argv.indexOf("--port");
	return at < 0 ? 0 : Number(process.argv[at + 1]);
}
