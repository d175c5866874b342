// Stands in for Google and GitHub, for both servers.
//
//   node idp.mjs [--port N]        prints `ready http://localhost:PORT`
//
// For each provider, below /google and /github: `authorize`, `token`, and
// `certs` (Google), `api/user`, `api/user/emails` (GitHub), as the real ones
// answer. `authorize` asks nobody: it sends the browser back at once, with
// somebody of the e-mail address `login_hint`.
//
// A test that wants a certain person, or a fault, posts to /code:
//   { authorizationURL, profile, emails?, fault? }  ->  { code }
// or, for an id token of Google's that an app asked for itself, to /id-token:
//   { profile, nonce?, fault? }  ->  { token }
// `profile` is Google's claims or GitHub's /user; `emails` GitHub's /user/emails.

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { oauthClients } from "./lib/settings.mjs";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const strangerKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const codes = new Map();
const accessTokens = new Map();
const refreshTokens = new Map();

const server = createServer(async (request, response) => {
	const reply = (status, body, headers = {}) => {
		response.writeHead(status, { "content-type": "application/json", ...headers }).end(body === undefined ? "" : JSON.stringify(body));
	};
	const url = new URL(request.url, "http://idp");
	const [, provider, ...rest] = url.pathname.split("/");
	const body = Buffer.concat(await request.toArray()).toString();
	const bearer = request.headers.authorization?.replace(/^(bearer|token) /i, "");
	if (url.pathname === "/code") return reply(200, { code: issue(JSON.parse(body)) });
	if (url.pathname === "/id-token") return reply(200, { token: appToken(JSON.parse(body)) });
	switch (`${request.method} ${rest.join("/")}`) {
		case "GET authorize":
			return reply(302, undefined, { location: consent(provider, url) });
		case "POST token":
			return token(provider, new URLSearchParams(body), request.headers.authorization, reply);
		case "GET certs":
			return reply(200, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "key-1", alg: "RS256", use: "sig" }] });
		case "GET api/user":
			return accessTokens.has(bearer) ? reply(200, accessTokens.get(bearer).profile) : reply(401, { message: "Bad credentials" });
		case "GET api/user/emails":
			return accessTokens.has(bearer) ? reply(200, accessTokens.get(bearer).emails ?? []) : reply(401, { message: "Bad credentials" });
		default:
			return reply(404, { message: "Not Found" });
	}
});
const at = process.argv.indexOf("--port");
server.listen(at < 0 ? 0 : Number(process.argv[at + 1]), "127.0.0.1", () => console.log(`ready http://localhost:${server.address().port}`));

function issue(grant) {
	const code = randomUUID();
	codes.set(code, { ...grant, request: new URL(grant.authorizationURL).searchParams });
	return code;
}

function appToken({ profile, nonce, fault }) {
	const request = new URLSearchParams({ client_id: oauthClients.google.clientId, ...(nonce && { nonce }) });
	return idToken({ profile, request, fault });
}

function consent(provider, url) {
	const email = url.searchParams.get("login_hint") ?? "somebody@example.com";
	const number = parseInt(createHash("sha256").update(email).digest("hex").slice(0, 8), 16);
	const profile =
		provider === "google"
			? { sub: String(number), email, email_verified: true, name: email.split("@")[0], picture: "https://example.com/picture.png" }
			: { id: number, login: email.split("@")[0], name: null, email, avatar_url: "https://example.com/avatar.png" };
	const back = new URL(url.searchParams.get("redirect_uri"));
	back.searchParams.set("code", issue({ authorizationURL: url.href, profile, emails: [{ email, primary: true, verified: true }] }));
	back.searchParams.set("state", url.searchParams.get("state"));
	return back.href;
}

function token(provider, form, authorization, reply) {
	if (form.get("grant_type") === "refresh_token") return refresh(form, reply);
	const grant = codes.get(form.get("code"));
	codes.delete(form.get("code"));
	const refusal = refuse(provider, grant, form, authorization);
	// GitHub reports errors with status 200.
	if (refusal) return reply(provider === "github" ? 200 : 400, { error: refusal, error_description: "refused by the stand-in" });
	if (grant.fault === "server error") return reply(500, { message: "down" });
	if (grant.fault === "not JSON") return reply(200, undefined, { "content-type": "text/html" });
	const accessToken = randomUUID();
	accessTokens.set(accessToken, grant);
	const scope = grant.request.get("scope");
	if (provider === "github") return reply(200, { access_token: accessToken, token_type: "bearer", scope: scope.replaceAll(" ", ",") });
	const offline = grant.request.get("access_type") === "offline";
	const refreshToken = offline ? randomUUID() : undefined;
	if (offline) refreshTokens.set(refreshToken, grant);
	reply(200, { access_token: accessToken, token_type: "Bearer", expires_in: 3599, refresh_token: refreshToken, scope, id_token: grant.fault === "no id_token" ? undefined : idToken(grant) });
}

/** As Google does: a refresh token lasts, and is not sent again. */
function refresh(form, reply) {
	const grant = refreshTokens.get(form.get("refresh_token"));
	if (!grant || grant.fault === "no refresh") return reply(400, { error: "invalid_grant" });
	const accessToken = randomUUID();
	accessTokens.set(accessToken, grant);
	reply(200, { access_token: accessToken, token_type: "Bearer", expires_in: 3599, scope: grant.request.get("scope") });
}

function refuse(provider, grant, form, authorization) {
	const { clientId, clientSecret } = oauthClients[provider];
	const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
	const authenticated = authorization ? authorization === basic : form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
	if (!authenticated) return provider === "github" ? "incorrect_client_credentials" : "invalid_client";
	const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
	const ok =
		grant &&
		grant.fault !== "refused" &&
		form.get("grant_type") === "authorization_code" &&
		form.get("redirect_uri") === grant.request.get("redirect_uri") &&
		challenge === grant.request.get("code_challenge");
	return ok ? undefined : provider === "github" ? "bad_verification_code" : "invalid_grant";
}

function idToken({ profile, request, fault }) {
	const now = Math.floor(Date.now() / 1000);
	const claims = {
		iss: fault === "issuer" ? "https://evil.example" : "https://accounts.google.com",
		azp: request.get("client_id"),
		aud: fault === "audience" ? "somebody-else" : request.get("client_id"),
		iat: now,
		exp: fault === "expired" ? now - 3600 : now + 3600,
		nonce: fault === "nonce" ? "another" : (request.get("nonce") ?? undefined),
		...profile,
	};
	const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const signed = `${encode({ alg: "RS256", kid: "key-1", typ: "JWT" })}.${encode(claims)}`;
	const key = fault === "signature" ? strangerKey : privateKey;
	return `${signed}.${createSign("RSA-SHA256").update(signed).sign(key, "base64url")}`;
}
