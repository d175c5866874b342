// Brings an answer into the form that is compared: what must differ between two
// servers (ids, tokens, times, ports) is checked for its shape and replaced by a
// name; what a browser or the client never looks at is left out.

import { parseSetCookie } from "./jar.mjs";
import { always } from "../differences.mjs";

export const SIGNED = /^[^.\s]+\.[A-Za-z0-9+/]{43}=$/;
export const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const OPAQUE = /^[\w.-]{16,}$/;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const SPANS = { "": 0, "+10min": 10 * MINUTE, "+1h": HOUR, "+1d": DAY, "+7d": 7 * DAY };
const HEADERS = ["content-type", "location", "cache-control", "pragma", "set-auth-token", "set-auth-jwt", "access-control-expose-headers"];

export class Mask {
	#ids = new Map();
	#secrets = [];
	#sentAt = Date.now();

	constructor(target) {
		this.target = target;
	}

	/** From now on answers show `name` where they hold `value`. */
	secret(value, name) {
		this.#secrets.push([value, name]);
	}

	answer(answer, request) {
		this.#sentAt = request.sentAt;
		const known = { profile: this.target.profile, request, answer };
		const result = {
			status: answer.status,
			headers: this.#headers(answer.headers),
			cookies: answer.cookies.map((line) => this.#cookie(line)).sort(),
			body: answer.json === undefined ? this.#text(answer.body) : this.value(answer.json),
		};
		for (const difference of always) difference.settle(result, known);
		return result;
	}

	value(value, key = "") {
		if (value instanceof Date) return `Date ${this.#time(value.toISOString())}`;
		if (Array.isArray(value)) return value.map((item) => this.value(item, key));
		if (value && typeof value === "object") {
			// In order of names, so that ids are numbered alike on both sides.
			return Object.fromEntries(Object.keys(value).sort().map((name) => [name, this.value(value[name], name)]));
		}
		return typeof value === "string" ? this.#string(value, key) : value;
	}

	#string(value, key) {
		if (["id", "userId", "accountId"].includes(key) && OPAQUE.test(value)) return this.#id(value);
		if (key === "token") return JWT.test(value) ? "<jwt>" : OPAQUE.test(value) ? "<token>" : value;
		return ISO_TIME.test(value) ? this.#time(value) : this.#text(value);
	}

	// The same id gets the same name throughout a case, so that it is compared
	// whether session.userId is user.id.
	#id(value) {
		if (!this.#ids.has(value)) this.#ids.set(value, `<id ${this.#ids.size + 1}>`);
		return this.#ids.get(value);
	}

	#time(value) {
		const seconds = (Date.parse(value) - this.#sentAt) / 1000;
		for (const [name, span] of Object.entries(SPANS)) {
			if (Math.abs(seconds - span) < 5 * MINUTE) return `<now${name}>`;
		}
		return `<now${seconds < 0 ? "" : "+"}${Math.round(seconds)}s>`;
	}

	#headers(headers) {
		const result = {};
		for (const name of HEADERS) {
			const value = headers[name];
			if (value === undefined) continue;
			if (name === "content-type") result[name] = value.split(";")[0].trim().toLowerCase();
			else if (name === "access-control-expose-headers") result[name] = value.toLowerCase().split(",").map((part) => part.trim()).sort();
			else if (name === "set-auth-token") result[name] = SIGNED.test(value) ? "<signed token>" : value;
			else if (name === "set-auth-jwt") result[name] = JWT.test(value) ? "<jwt>" : value;
			else result[name] = this.#text(value);
		}
		return result;
	}

	#cookie(line) {
		const { name, value, attributes } = parseSetCookie(line);
		const shown = SIGNED.test(decodeURIComponent(value)) ? "<signed value>" : value;
		const rest = Object.entries(attributes).sort().map(([key, setting]) => (setting === true ? key : `${key}=${setting}`));
		return [`${name}=${shown}`, ...rest].join("; ");
	}

	#text(text) {
		const { origin, base } = this.target;
		let result = text;
		for (const [value, name] of this.#secrets) result = result.replaceAll(value, name);
		for (const [value, name] of [[base, "<base>"], [origin, "<origin>"], [new URL(origin).host, "<host>"]]) {
			result = result.replaceAll(value, name).replaceAll(encodeURIComponent(value), encodeURIComponent(name));
		}
		return /^https?:.*[?&]response_type=code/.test(result) ? authorizationURL(result) : result;
	}
}

// Parameters in alphabetical order, decoded, the random ones named.
function authorizationURL(text) {
	const url = new URL(text);
	const parameters = [...url.searchParams].map(([name, value]) => {
		const random = ["state", "nonce", "code_challenge"].includes(name) && /^[\w-]{24,}$/.test(value);
		return `${name}=${random ? "<random>" : value}`;
	});
	return `${url.origin}${url.pathname}?${parameters.sort().join("&")}`;
}
