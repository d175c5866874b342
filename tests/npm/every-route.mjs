// Asks for every route of the service once or more, as people come to it: they
// sign up, verify, sign in in every way, look after their account, and leave.
//
//   node every-route.mjs URL [CHAPTER…]
//
//   URL      origin, or base URL such as http://localhost:3000/api/auth
//   CHAPTER  the ones to tell; without a name, all
//
// The service must send the verification mail at sign-up, confirm deletions by
// mail, and know `lib/settings.mjs`' clients of Google and GitHub, whom
// `idp.mjs` stands in for.
//
// Environment:
//   OAUTH_PROVIDER_URL  the running idp.mjs
//   MAIL_URL            the outbox, when not at /__mail.json of the origin
//
// Prints a line for each chapter and stops with 1 at the first request that is
// answered otherwise than it should.

import assert from "node:assert/strict";
import { closeConnections, send } from "./lib/http.mjs";
import { CookieJar } from "./lib/jar.mjs";
import { totp } from "./lib/totp.mjs";

const [url, ...names] = process.argv.slice(2);
const { origin } = new URL(url);
const mailURL = new URL(process.env.MAIL_URL ?? "/__mail.json", origin);
const provider = process.env.OAUTH_PROVIDER_URL;
const BASE = "/api/auth";
const PASSWORD = "correct horse battery";
const run = Date.now().toString(36);

/** Somebody at a browser of their own. */
class Person {
	#jar = new CookieJar();
	#mails = 0;

	constructor(name) {
		this.email = `${name}-${run}@example.com`;
	}

	/** What a request below the base path is answered; any other status than `expected` ends the story. */
	async ask(method, path, { body, form, expected = 200 } = {}) {
		const content = body ? { "content-type": "application/json" } : form ? { "content-type": "application/x-www-form-urlencoded" } : {};
		const answer = await send(origin, {
			method,
			path: BASE + path,
			headers: { ...(method === "GET" ? {} : { origin }), ...content, ...this.#jar.headers() },
			body: body ? JSON.stringify(body) : form && new URLSearchParams(form).toString(),
		});
		this.#jar.store(answer.cookies);
		assert.equal(answer.status, expected, `${method} ${path.split("?")[0]} answered ${answer.status}: ${answer.body}`);
		const isJSON = answer.body && answer.headers["content-type"]?.startsWith("application/json");
		return { json: isJSON ? JSON.parse(answer.body) : undefined, location: answer.headers.location };
	}

	get(path, expected) {
		return this.ask("GET", path, { expected });
	}

	post(path, body = {}, expected) {
		return this.ask("POST", path, { body, expected });
	}

	/** Follows a link to the service, which has to lead to `page`. */
	async follow(link, page) {
		const { pathname, search } = new URL(link);
		assert.ok(link.startsWith(`${origin}${BASE}/`), `${link} is not of the service`);
		const { location } = await this.get(pathname.slice(BASE.length) + search, 302);
		if (page) assert.equal(new URL(location, origin).pathname, page, `the link led to ${location}`);
		return new URL(location, origin);
	}

	/** The next mail to this person, who is told of each change, or to another address of theirs. */
	async mail(to = this.email) {
		const wanted = to === this.email ? ++this.#mails : 1;
		const target = new URL(mailURL);
		target.searchParams.set("to", to);
		for (let tries = 0; tries < 200; tries++) {
			const mails = JSON.parse((await send(target.origin, { path: target.pathname + target.search })).body);
			// The newest comes first.
			if (mails.length >= wanted) return mails[mails.length - wanted];
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		assert.fail(`mail ${wanted} to ${to} does not come`);
	}

	async user() {
		return (await this.get("/get-session")).json?.user;
	}

	async signUp() {
		const { json } = await this.post("/sign-up/email", { name: "Ann", email: this.email, password: PASSWORD });
		assert.equal(json.user.email, this.email);
		return this.mail();
	}

	async signIn(password = PASSWORD) {
		return (await this.post("/sign-in/email", { email: this.email, password })).json;
	}

	/** Signs up and verifies the address. */
	async join() {
		const { links } = await this.signUp();
		await this.follow(links[0]);
		assert.equal((await this.user()).emailVerified, true);
	}

	/** Signs out, and in again by a second factor, whose `code` is asked for in time. */
	async signInBy(path, code, fields) {
		await this.post("/sign-out");
		assert.equal((await this.signIn()).twoFactorRedirect, true);
		await this.post(path, { code: await code(), ...fields });
		assert.equal((await this.user()).email, this.email);
	}

	/** The callback that a provider sends the browser to after its consent. */
	async consent(url) {
		const target = new URL(url);
		assert.equal(target.origin, new URL(provider).origin, `the provider is at ${target.origin}`);
		target.searchParams.set("login_hint", this.email);
		const { headers } = await send(target.origin, { path: target.pathname + target.search });
		return headers.location;
	}
}

const story = {
	async password() {
		const ann = new Person("password");
		await ann.get("/ok");
		assert.equal((await ann.get("/get-session")).json, null);
		await ann.signUp();
		assert.equal((await ann.user()).email, ann.email);
		await ann.post("/get-session", {}, 405);
		assert.equal((await ann.get("/token")).json.token.split(".").length, 3);
		await ann.post("/sign-out");
		await ann.post("/sign-in/email", { email: ann.email, password: "wrong horse battery" }, 401);
		assert.equal((await ann.signIn()).user.email, ann.email);
	},

	async sessions() {
		const ann = new Person("sessions");
		await ann.signUp();
		// The cookie of the first session is replaced, not its row.
		await ann.signIn();
		const sessions = (await ann.get("/list-sessions")).json;
		assert.equal(sessions.length, 2);
		const { session } = (await ann.get("/get-session")).json;
		const other = sessions.find(({ token }) => token !== session.token);
		await ann.post("/revoke-session", { token: other.token });
		assert.equal((await ann.get("/list-sessions")).json.length, 1);
		await ann.post("/revoke-other-sessions");
		assert.equal((await ann.user()).email, ann.email);
		await ann.post("/update-session", {}, 400);
		await ann.post("/revoke-sessions");
		assert.equal(await ann.user(), undefined);
	},

	async verification() {
		const ann = new Person("verification");
		await ann.signUp();
		await ann.post("/send-verification-email", { email: ann.email, callbackURL: "/welcome" });
		await ann.follow((await ann.mail()).links[0], "/welcome");
		assert.equal((await ann.user()).emailVerified, true);
		const newEmail = `new-${ann.email}`;
		await ann.post("/change-email", { newEmail, callbackURL: "/settings" });
		await ann.follow((await ann.mail()).links[0], "/settings");
		await ann.follow((await ann.mail(newEmail)).links[0], "/settings");
		assert.equal((await ann.user()).email, newEmail);
	},

	async reset() {
		const ann = new Person("reset");
		await ann.signUp();
		let round = 0;
		for (const [request, confirm] of [
			["/request-password-reset", "/reset-password"],
			["/password-reset/request", "/password-reset/confirm"],
		]) {
			await ann.post(request, { email: ann.email, redirectTo: "/new-password" });
			const page = await ann.follow((await ann.mail()).links[0], "/new-password");
			const newPassword = `${PASSWORD} ${++round}`;
			await ann.post(confirm, { token: page.searchParams.get("token"), newPassword });
			await ann.mail();
			assert.equal(await ann.user(), undefined);
			await ann.signIn(newPassword);
		}
		await ann.post("/sign-in/email", { email: ann.email, password: PASSWORD }, 401);
	},

	async "magic-link"() {
		const ann = new Person("magic-link");
		for (const page of ["/welcome", "/home"]) {
			await ann.post("/sign-in/magic-link", { email: ann.email, callbackURL: "/home", newUserCallbackURL: "/welcome" });
			await ann.follow((await ann.mail()).links[0], page);
			assert.equal((await ann.user()).email, ann.email);
			await ann.post("/sign-out");
		}
	},

	async "two-factor"() {
		const ann = new Person("two-factor");
		await ann.join();
		const { totpURI } = (await ann.post("/two-factor/enable", { password: PASSWORD })).json;
		const secret = new URL(totpURI).searchParams.get("secret");
		await ann.post("/two-factor/verify-totp", { code: totp(secret) });
		assert.equal((await ann.mail()).subject, "Two-factor authentication is on");
		assert.equal((await ann.post("/two-factor/get-totp-uri", { password: PASSWORD })).json.totpURI, totpURI);
		const { backupCodes } = (await ann.post("/two-factor/generate-backup-codes", { password: PASSWORD })).json;
		await ann.mail();
		await ann.signInBy("/two-factor/verify-totp", async () => totp(secret, 1));
		await ann.signInBy("/two-factor/verify-backup-code", async () => backupCodes[0]);
		const trustDevice = true;
		await ann.signInBy(
			"/two-factor/verify-otp",
			async () => {
				await ann.post("/two-factor/send-otp");
				return (await ann.mail()).text.match(/\b\d{6}\b/)[0];
			},
			{ trustDevice },
		);
		await ann.post("/sign-out");
		assert.ok((await ann.signIn()).token, "the device is not trusted");
		await ann.post("/two-factor/disable", { password: PASSWORD });
		assert.equal((await ann.user()).twoFactorEnabled, false);
	},

	async providers() {
		for (const [name, method] of [["google", "GET"], ["google", "POST"], ["github", "GET"]]) {
			const ann = new Person(`${name}-${method.toLowerCase()}`);
			for (const page of ["/welcome", "/home"]) {
				const { url } = (await ann.post("/sign-in/social", { provider: name, callbackURL: "/home", newUserCallbackURL: "/welcome" })).json;
				let callback = await ann.consent(url);
				if (method === "POST") {
					// A form of the provider's: no cookie of ours comes with it, and the browser is sent on.
					const form = Object.fromEntries(new URL(callback).searchParams);
					callback = (await new Person("provider").ask("POST", `/callback/${name}`, { form, expected: 302 })).location;
				}
				await ann.follow(callback, page);
				assert.deepEqual([(await ann.user()).email, (await ann.user()).emailVerified], [ann.email, true]);
				await ann.post("/sign-out");
			}
		}
		const app = new Person("app");
		await app.post("/sign-in/social", { provider: "google", idToken: { token: await idToken(app.email) } });
		assert.equal((await app.user()).email, app.email);
		await app.get("/error?error=access_denied");
	},

	async accounts() {
		const ann = new Person("accounts");
		await ann.join();
		const { url } = (await ann.post("/link-social", { provider: "google", callbackURL: "/settings", additionalParams: { access_type: "offline" } })).json;
		await ann.follow(await ann.consent(url), "/settings");
		const accounts = (await ann.get("/list-accounts")).json;
		assert.deepEqual(accounts.map(({ providerId }) => providerId).sort(), ["credential", "google"]);
		const accountId = accounts.find(({ providerId }) => providerId === "google").id;
		assert.ok((await ann.post("/get-access-token", { accountId })).json.accessToken);
		assert.ok((await ann.post("/refresh-token", { accountId })).json.accessToken);
		assert.equal((await ann.get(`/account-info?${new URLSearchParams({ accountId })}`)).json.user.email, ann.email);
		await ann.post("/unlink-account", { accountId });
		assert.equal((await ann.get("/list-accounts")).json.length, 1);
		assert.equal((await ann.post("/link-social", { provider: "google", idToken: { token: await idToken(ann.email) } })).json.status, true);
	},

	async account() {
		const ann = new Person("account");
		await ann.join();
		await ann.post("/update-user", { name: "Ann Other" });
		assert.equal((await ann.user()).name, "Ann Other");
		await ann.post("/verify-password", { password: PASSWORD });
		await ann.post("/change-password", { currentPassword: PASSWORD, newPassword: `${PASSWORD}!`, revokeOtherSessions: true });
		await ann.mail();
		await ann.signIn(`${PASSWORD}!`);
		assert.deepEqual((await ann.post("/delete-user", { password: `${PASSWORD}!`, callbackURL: "/bye" })).json, { success: true, message: "Verification email sent" });
		await ann.follow((await ann.mail()).links[0], "/bye");
		assert.equal(await ann.user(), undefined);
		await ann.post("/sign-in/email", { email: ann.email, password: `${PASSWORD}!` }, 401);
	},
};

/** What Google gives an app that asked for itself. */
async function idToken(email) {
	const profile = { sub: `app-${email}`, email, email_verified: true, name: "Ann" };
	const { body } = await send(provider, { method: "POST", path: "/id-token", body: JSON.stringify({ profile }) });
	return JSON.parse(body).token;
}

for (const name of names.length ? names : Object.keys(story)) {
	try {
		await story[name]();
		console.log(`ok ${name}`);
	} catch (error) {
		console.log(`FAIL ${name}\n${error.stack}`);
		process.exit(1);
	}
}
closeConnections();
