// GitHub's OAuth, which is older than OpenID Connect: no id token, the profile
// and the addresses are asked for with the access token, and a refused code is
// answered with status 200.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

import { form, json, redirect, reply, sendPage } from "./http.mjs";
import { consent, problem } from "./pages.mjs";
import { chosen, number } from "./people.mjs";

const CODE_MILLISECONDS = 10 * 60 * 1000;

/** The handler of its requests; `path` is what follows `/github`. */
export function github(settings) {
	const codes = new Map();
	const tokens = new Map();
	return async (request, response, path) => {
		switch (`${request.method} ${path}`) {
			case "GET /login/oauth/authorize":
			case "POST /login/oauth/authorize":
				return authorize(settings, codes, request, response);
			case "POST /login/oauth/access_token":
				return accessToken(settings, codes, tokens, request, response);
			case "GET /api/user":
				return api(tokens, request, response, profile);
			case "GET /api/user/emails":
				return api(tokens, request, response, addresses);
			default:
				return json(response, 404, { message: "Not Found" });
		}
	};
}

async function authorize(settings, codes, request, response) {
	const query = Object.fromEntries(new URL(request.url, settings.url).searchParams);
	const wrong = fault(settings, query);
	if (wrong) return sendPage(response, 400, problem("The request is not right", wrong));
	if (request.method === "GET") return sendPage(response, 200, consent(settings, query.scope), settings.app);
	const fields = await form(request);
	const to = new URL(query.redirect_uri);
	if (query.state !== undefined) to.searchParams.set("state", query.state);
	if (fields?.person === "nobody") {
		to.searchParams.set("error", "access_denied");
		to.searchParams.set("error_description", "The person said no.");
		return redirect(response, to.href);
	}
	const person = fields && chosen(fields, settings.user);
	if (!person) return redirect(response, request.url);
	const code = randomBytes(16).toString("hex");
	codes.set(code, { person, query, expires: Date.now() + CODE_MILLISECONDS });
	to.searchParams.set("code", code);
	return redirect(response, to.href);
}

/** What is wrong with an authorization request. */
function fault({ client, redirectUri }, query) {
	if (query.client_id !== client.clientId) return "There is no application of this client_id.";
	if (query.redirect_uri !== redirectUri) return "The redirect_uri is not that of the application.";
	if (query.code_challenge !== undefined && query.code_challenge_method !== "S256") return "The code_challenge_method has to be S256.";
	return "";
}

async function accessToken({ client }, codes, tokens, request, response) {
	const fields = (await form(request)) ?? {};
	const answer = (values) => {
		if ((request.headers.accept ?? "").includes("application/json")) return json(response, 200, values);
		return reply(response, 200, "application/x-www-form-urlencoded", new URLSearchParams(values).toString());
	};
	const refuse = (error, error_description) => answer({ error, error_description });
	const grant = codes.get(fields.code);
	// Right or not, a code works once.
	codes.delete(fields.code);
	if (fields.client_id !== client.clientId || !same(fields.client_secret, client.clientSecret)) {
		return refuse("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
	}
	if (!grant || grant.expires < Date.now() || !proves(grant.query.code_challenge, fields.code_verifier)) {
		return refuse("bad_verification_code", "The code passed is incorrect or expired.");
	}
	if (fields.redirect_uri !== undefined && fields.redirect_uri !== grant.query.redirect_uri) {
		return refuse("redirect_uri_mismatch", "The redirect_uri must match the registered callback URL.");
	}
	const token = `gho_${randomBytes(18).toString("hex")}`;
	tokens.set(token, grant.person);
	const scope = (grant.query.scope ?? "").split(/[\s,]+/).join(",");
	return answer({ access_token: token, scope, token_type: "bearer" });
}

function same(given, expected) {
	const hash = (text) => createHash("sha256").update(String(text ?? "")).digest();
	return timingSafeEqual(hash(given), hash(expected));
}

/** RFC 7636, section 4.6. */
function proves(challenge, verifier) {
	if (challenge === undefined) return true;
	return createHash("sha256").update(verifier ?? "").digest("base64url") === challenge;
}

function api(tokens, request, response, read) {
	const [, token] = /^(?:bearer|token) (\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
	const person = tokens.get(token);
	return person ? json(response, 200, read(person)) : json(response, 401, { message: "Bad credentials" });
}

function profile({ name, email }) {
	return { login: email.split("@")[0], id: number("github", email), type: "User", name, email: null, avatar_url: null };
}

function addresses({ email, verified }) {
	return [{ email, primary: true, verified, visibility: "private" }];
}
