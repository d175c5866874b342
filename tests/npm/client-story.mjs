// A newcomer's first minutes with the unmodified client, against the service:
// sign up, read the session, sign out and in, reset the password by the mailed
// link, sign in with a provider; then the same without cookies.
//
//   node client-story.mjs URL [MAIL_URL]
//
//   URL       origin, or base URL such as http://localhost:3000/api/auth
//   MAIL_URL  the outbox, when not at /__mail.json of that origin
//
// Environment: OAUTH_PROVIDER_URL, the running idp.mjs that the service uses;
// without it the social sign-in ends at the provider's door.
//
// Prints a line for each step and exits with 1 at the first that fails.

import assert from "node:assert/strict";
import { closeConnections, send } from "./lib/http.mjs";
import { CookieJar } from "./lib/jar.mjs";

const [url, mailURL = new URL("/__mail.json", url).href] = process.argv.slice(2);
const { origin } = new URL(url);
const jar = new CookieJar();
const email = `newcomer-${Date.now().toString(36)}@example.com`;
const password = "a first password";

// What the client looks for in a browser. It must be there before the import.
globalThis.window = {
	location: { href: `${origin}/`, origin },
	addEventListener() {},
	removeEventListener() {},
};
const { createAuthClient } = await import("better-auth/client");
const authClient = createAuthClient({ baseURL: origin, fetchOptions: { customFetchImpl: browserFetch } });

/** A page's `fetch`: keeps cookies, names its origin on what is not a GET. */
async function browserFetch(input, { method, headers, body }) {
	const { pathname, search } = new URL(input);
	const answer = await send(origin, {
		method,
		path: pathname + search,
		headers: { ...(method === "GET" ? {} : { origin }), ...jar.headers(), ...Object.fromEntries(new Headers(headers)) },
		body: body ?? undefined,
	});
	jar.store(answer.cookies);
	return new Response(answer.body || null, { status: answer.status, headers: answer.headers });
}

/** Follows a link as a browser does, up to the first page that is not this API's. */
async function navigate(target) {
	for (let next = new URL(target); ; ) {
		const here = next.origin === origin;
		const answer = await send(next.origin, { path: next.pathname + next.search, headers: here ? jar.headers() : {} });
		if (here) jar.store(answer.cookies);
		assert.equal(answer.status, 302, `${next} answered ${answer.status}: ${answer.body}`);
		next = new URL(answer.headers.location, next);
		if (next.origin === origin && !next.pathname.startsWith("/api/auth/")) return next;
	}
}

function succeed({ data, error }) {
	assert.equal(error, null);
	return data;
}

async function newestLink(to) {
	const target = new URL(mailURL);
	target.searchParams.set("to", to);
	const { body } = await send(target.origin, { path: target.pathname + target.search });
	const [mail] = JSON.parse(body);
	assert.ok(mail, `no mail to ${to}`);
	assert.ok([mail.to].flat().includes(to), `the mail is to ${mail.to}`);
	return mail.links[0];
}

const isJWT = (token) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);

async function until(condition, what) {
	for (let tries = 0; tries < 100; tries++) {
		if (condition()) return;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	assert.fail(`waited in vain for ${what}`);
}

const story = {
	async "nobody is signed in"() {
		assert.equal(succeed(await authClient.getSession()), null);
	},
	async "sign up"() {
		const { token, user } = succeed(await authClient.signUp.email({ name: "New Comer", email, password }));
		assert.ok(isJWT(token), `token is no JWT: ${token}`);
		assert.equal(user.email, email);
		assert.equal(user.emailVerified, false);
		assert.ok(user.createdAt instanceof Date);
	},
	async "the session is there"() {
		const { session, user, token, expiresAt } = succeed(await authClient.getSession());
		assert.equal(user.email, email);
		assert.equal(session.userId, user.id);
		assert.ok(session.expiresAt > new Date());
		assert.ok(isJWT(token));
		assert.ok(expiresAt instanceof Date && expiresAt <= session.expiresAt);
	},
	async "useSession follows sign-out and sign-in"() {
		let state;
		const stop = authClient.useSession.subscribe((value) => void (state = value));
		await until(() => state.data?.user.email === email, "the session");
		assert.deepEqual(succeed(await authClient.signOut()), { success: true });
		await until(() => !state.isPending && state.data === null, "its end");
		succeed(await authClient.signIn.email({ email, password }));
		await until(() => state.data?.user.email === email, "the new session");
		stop();
	},
	async "wrong passwords and taken addresses are refused"() {
		const wrong = await authClient.signIn.email({ email, password: "not the password" });
		assert.deepEqual([wrong.error.status, wrong.error.code], [401, "INVALID_EMAIL_OR_PASSWORD"]);
		const taken = await authClient.signUp.email({ name: "x", email, password });
		assert.deepEqual([taken.error.status, taken.error.code], [422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"]);
	},
	async "the access token is at /token too"() {
		const { token } = succeed(await authClient.$fetch("/token"));
		const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
		assert.equal(claims.email, email);
	},
	async "the password is reset by the mailed link, which ends the session"() {
		const answer = succeed(await authClient.requestPasswordReset({ email, redirectTo: "/new-password" }));
		assert.equal(answer.status, true);
		const page = await navigate(await newestLink(email));
		assert.equal(page.pathname, "/new-password");
		const token = page.searchParams.get("token");
		assert.deepEqual(succeed(await authClient.resetPassword({ token, newPassword: "a second password" })), { status: true });
		assert.equal(succeed(await authClient.getSession()), null);
		assert.equal((await authClient.resetPassword({ token, newPassword: "a third password" })).error.code, "INVALID_TOKEN");
		assert.equal((await authClient.signIn.email({ email, password })).error.status, 401);
		succeed(await authClient.signIn.email({ email, password: "a second password", rememberMe: false }));
		assert.equal(succeed(await authClient.getSession()).user.email, email);
		succeed(await authClient.signOut());
	},
	async "social sign-in"() {
		const friend = `friend-${email}`;
		const { url, redirect } = succeed(await authClient.signIn.social({ provider: "google", callbackURL: "/home", newUserCallbackURL: "/welcome", loginHint: friend }));
		assert.equal(redirect, true);
		assert.equal(window.location.href, url, "the client did not send the browser to the provider");
		const query = new URL(url).searchParams;
		assert.equal(query.get("redirect_uri"), `${origin}/api/auth/callback/google`);
		assert.equal(query.get("code_challenge_method"), "S256");
		if (!process.env.OAUTH_PROVIDER_URL) return;
		assert.equal((await navigate(url)).pathname, "/welcome");
		const { user } = succeed(await authClient.getSession());
		assert.deepEqual([user.email, user.emailVerified], [friend, true]);
		succeed(await authClient.signOut());
	},
	async "without cookies: a client with a bearer token"() {
		let token = "";
		// Node's fetch sends Sec-Fetch-Mode, as browsers do, and so must name an origin.
		const app = createAuthClient({
			baseURL: origin,
			fetchOptions: { headers: { origin }, auth: { type: "Bearer", token: () => token } },
		});
		const signedIn = succeed(await app.signIn.email({ email, password: "a second password" }, { onSuccess: ({ response }) => void (token = response.headers.get("set-auth-token")) }));
		assert.equal(succeed(await app.getSession()).user.email, email);
		const signed = token;
		token = signedIn.token;
		assert.equal(succeed(await app.getSession()).user.email, email, "the access token is no bearer credential");
		assert.deepEqual(succeed(await app.signOut()), { success: true });
		assert.equal(succeed(await app.getSession()), null, "the access token outlived its session");
		token = signed;
		assert.equal(succeed(await app.getSession()), null, "the session token outlived its session");
	},
};

for (const [step, tell] of Object.entries(story)) {
	try {
		await tell();
		console.log(`ok ${step}`);
	} catch (error) {
		console.log(`FAIL ${step}\n${error.stack}`);
		process.exit(1);
	}
}
closeConnections();
process.exit(0);
