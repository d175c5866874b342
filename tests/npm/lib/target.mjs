// One of the two servers, and what a case can ask of it.

import { createAuthClient } from "better-auth/client";
import { send } from "./http.mjs";
import { CookieJar } from "./jar.mjs";
import { Mask } from "./mask.mjs";

export const SESSION_COOKIE = "better-auth.session_token";
const JSON_TYPE = { "content-type": "application/json" };

/**
 * A server under test.
 * `profile` says whose documented answers to expect: "lambda-auth" or "better-auth".
 */
export class Target {
	constructor({ name, url, profile, mailURL, run }) {
		const { origin, pathname } = new URL(url);
		this.name = name;
		this.origin = origin;
		this.basePath = pathname === "/" ? "/api/auth" : pathname.replace(/\/$/, "");
		this.base = this.origin + this.basePath;
		this.profile = profile;
		this.mailURL = mailURL ?? `${this.origin}/__mail.json`;
		this.run = run;
	}

	/** Signs up the user that many cases sign in as. */
	async prepare() {
		this.known = { name: "Known User", email: `known@${this.run}.example.com`, password: "correct horse battery" };
		const answer = await send(this.origin, {
			method: "POST",
			path: `${this.basePath}/sign-up/email`,
			headers: JSON_TYPE,
			body: JSON.stringify(this.known),
		});
		if (answer.status !== 200) throw new Error(`${this.name}: sign-up answered ${answer.status}: ${answer.body}`);
	}
}

/** What one case does to one target: makes requests and records the answers. */
export class Session {
	steps = [];

	constructor(target, caseName) {
		this.target = target;
		this.origin = target.origin;
		this.base = target.base;
		this.known = target.known;
		this.isPeer = target.profile === "better-auth";
		this.jar = new CookieJar();
		this.mask = new Mask(target);
		this.caseName = caseName;
	}

	/** An address that no other case and no other run uses. */
	email(local = "user") {
		return `${local}.${hash(this.caseName)}@${this.target.run}.example.com`;
	}

	/**
	 * Sends one request exactly as given and records the answer.
	 * Options beside the request's own:
	 * - `at`: whole path of the request target, instead of `path` below the base path
	 * - `differs`: name of the known difference that this answer shows
	 * - `only`: parts of the answer to compare, e.g. ["status"]
	 * - `unrecorded`: for set-up whose answer other cases compare
	 */
	async send({ path = "", at, differs, only, unrecorded, ...request }) {
		const { basePath } = this.target;
		const whole = at ?? basePath + path;
		const route = whole.startsWith(basePath) ? whole.slice(basePath.length) : whole;
		const sentAt = Date.now();
		const answer = await send(this.origin, { ...request, path: whole });
		answer.json = parse(answer);
		if (!unrecorded) {
			const masked = this.mask.answer(answer, { ...request, path: route, sentAt });
			this.#record(`${request.method ?? "GET"} ${route}`, masked, { differs, only });
		}
		return answer;
	}

	/** `body`: an object to send as JSON, or text to send as it is. */
	post(path, body, options) {
		return this.send(posted(path, body, options));
	}

	get(path, options) {
		return this.send({ path, ...options });
	}

	/** A page of this origin: keeps cookies and says where it comes from. */
	browser = {
		send: async ({ headers, ...request }) => {
			const origin = (request.method ?? "GET") === "GET" ? {} : { origin: this.origin };
			const answer = await this.send({ ...request, headers: { ...origin, ...this.jar.headers(), ...headers } });
			this.jar.store(answer.cookies);
			return answer;
		},
		post: (path, body, options) => this.browser.send(posted(path, body, options)),
		get: (path, options) => this.browser.send({ path, ...options }),
	};

	/** Makes a user; the browser is signed in as that user afterwards. */
	async signUp(user = {}) {
		const person = { name: "Some Body", email: this.email(), password: "password-1", ...user };
		const answer = await this.browser.post("/sign-up/email", person, { unrecorded: true });
		if (answer.status !== 200) throw new Error(`sign-up answered ${answer.status}: ${answer.body}`);
		return person;
	}

	/** Signs the browser in as the known user. */
	async signIn(credentials = this.known) {
		const answer = await this.browser.post("/sign-in/email", { email: credentials.email, password: credentials.password }, { unrecorded: true });
		if (answer.status !== 200) throw new Error(`sign-in answered ${answer.status}: ${answer.body}`);
		return answer;
	}

	/** Starts a social sign-in in the browser; answers show its state as `<state>`. */
	async startSocial(fields) {
		const { json, status, body } = await this.browser.post("/sign-in/social", { callbackURL: "/home", ...fields }, { unrecorded: true });
		if (status !== 200) throw new Error(`sign-in/social answered ${status}: ${body}`);
		const state = new URL(json.url).searchParams.get("state");
		this.mask.secret(state, "<state>");
		return { url: json.url, state };
	}

	/** The session cookie as a `cookie` header, its decoded signed value and the token in it. */
	get session() {
		const encoded = this.jar.get(SESSION_COOKIE);
		const signed = decodeURIComponent(encoded);
		return { cookie: `${SESSION_COOKIE}=${encoded}`, encoded, signed, token: signed.slice(0, signed.lastIndexOf(".")) };
	}

	/** The unmodified client, in a page of this origin. Its requests are recorded as well, unless they are `unrecorded`. */
	client({ unrecorded, ...options } = {}) {
		return createAuthClient({ baseURL: this.origin, fetchOptions: { customFetchImpl: this.#fetch(this.browser, { unrecorded }) }, ...options });
	}

	/** `fetch` for a client that keeps no cookies and says nothing of its origin, as in an app. */
	fetchWithoutCookies = this.#fetch(this);

	#fetch(via, options) {
		return async (input, { method, headers, body }) => {
			const { pathname, search } = new URL(input);
			const path = pathname.slice(this.target.basePath.length) + search;
			const sent = Object.fromEntries(new Headers(headers));
			const answer = await via.send({ method, path, headers: sent, body: body ?? undefined, ...options });
			return new Response(answer.body || null, { status: answer.status, headers: answer.headers });
		};
	}

	/** Mails to `address`, newest first; not recorded. */
	async mails(address) {
		const url = new URL(this.target.mailURL);
		const { body } = await send(url.origin, { path: `${url.pathname}?to=${encodeURIComponent(address)}` });
		return JSON.parse(body);
	}

	/** Asks for a reset mail; gives the link in it and the token in the link, which answers then show as `<reset token>`. */
	async resetLink(email, fields = { redirectTo: "/reset" }) {
		await this.post("/request-password-reset", { email, ...fields }, { unrecorded: true });
		const [mail] = await this.mails(email);
		if (!mail) throw new Error(`no mail to ${email}`);
		const link = new URL(mail.links[0]);
		const token = link.pathname.split("/").pop();
		this.mask.secret(token, "<reset token>");
		return { link, token, mail };
	}

	/** Records any value, for comparison with what the other server gave. */
	note(label, value, options = {}) {
		this.#record(label, { value: this.mask.value(value) }, options);
	}

	/** Something that must hold for this server whatever the other does. */
	check(condition, message) {
		if (!condition) throw new Error(message);
	}

	#record(label, answer, { differs, only }) {
		const compared = only ? Object.fromEntries(only.map((part) => [part, answer[part]])) : answer;
		this.steps.push({ label: this.mask.value(label), answer: compared, differs });
	}
}

function posted(path, body, { headers, ...options } = {}) {
	const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
	return { method: "POST", path, headers: { ...JSON_TYPE, ...headers }, body: text, ...options };
}

function parse({ headers, body }) {
	try {
		return headers["content-type"]?.includes("json") ? JSON.parse(body) : undefined;
	} catch {
		return undefined;
	}
}

// Short, so that addresses stay within the limits on their length.
function hash(text) {
	let sum = 0;
	for (const character of text) sum = (Math.imul(sum, 31) + character.codePointAt(0)) >>> 0;
	return sum.toString(36);
}
