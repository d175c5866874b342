// Where the service means to answer differently from Better Auth, and why.
// Whatever is not here is a failure. `row` is the line of docs/differences.md
// that tells people.

import { trustedOrigins } from "./lib/settings.mjs";

/**
 * Differences that show in many answers. `settle` checks one server's answer,
 * already masked, and rewrites it to what both have in common. It leaves a word
 * of complaint in the answer when the documented difference is not there.
 */
export const always = [
	{
		row: "sign-up, sign-in, also with an `idToken`, magic link, second factor, change-password",
		reason: "`token` of sign-up, sign-in and the second factor is the access token (JWT); Better Auth's is the session token",
		settle({ body }, { profile, request }) {
			if (isOurs(profile) && /^\/(sign-(up\/email|in\/(email|social))|magic-link\/verify|change-password|two-factor\/verify)/.test(request.path) && body?.token) body.token = body.token === "<jwt>" ? "<token>" : `no access token: ${body.token}`;
		},
	},
	{
		row: "sign-in that waits for it",
		reason: "a sign-in that waits for its second factor hands out no token; Better Auth's names the session that it has just ended",
		settle({ headers }, { profile, answer }) {
			if (!isOurs(profile) && answer.json?.twoFactorRedirect) delete headers["set-auth-token"];
		},
	},
	{
		row: "get-session",
		reason: "get-session also carries `token` (access token) and `expiresAt`, beside `session` and `user`",
		settle({ body }, { profile, request }) {
			if (!isOurs(profile) || !isGetSession(request) || !body?.session) return;
			if (body.token === "<jwt>") delete body.token;
			if (/^<now\+/.test(body.expiresAt)) delete body.expiresAt;
		},
	},
	{
		row: "`session.token`, list-sessions",
		reason: "`session.token` is a handle for revoke-session; Better Auth's is the credential in the cookie",
		settle({ body }, { profile, request, answer }) {
			if (!isOurs(profile)) return;
			const sessions = (value) => (Array.isArray(value) ? value : [value?.session]);
			sessions(body).forEach((session, index) => {
				const handle = sessions(answer.json)[index]?.token;
				if (!session || !handle) return;
				const credentials = decodeURIComponent(`${request.headers?.cookie} ${request.headers?.authorization}`);
				session.token = credentials.includes(handle) ? "the credential itself" : "<token>";
			});
		},
	},
	{
		row: "every answer of a function",
		reason: "every answer is `no-store`; Better Auth says so on get-session alone",
		settle({ headers }, { profile }) {
			if (!isOurs(profile)) headers["cache-control"] ??= "no-store";
		},
	},
	{
		row: "answers without a body",
		reason: "an answer without a body needs no content type; Better Auth's redirects call theirs JSON",
		settle({ headers }, { answer }) {
			if (answer.body === "") delete headers["content-type"];
		},
	},
	{
		row: "CORS headers",
		reason: "CORS belongs to the gateway, which exposes its list to the configured origins and to no other",
		settle({ headers }, { profile, request, answer }) {
			const name = "access-control-expose-headers";
			if (request.headers?.origin !== trustedOrigins[0]) return void delete headers[name];
			if (isOurs(profile)) headers[name] = headers[name]?.filter((exposed) => answer.headers[exposed] !== undefined);
			if (!headers[name]?.length) delete headers[name];
		},
	},
	{
		row: "sign-up where verification is required",
		reason: "where addresses have to be verified, a sign-up leaves a cookie by which its browser is known when the link is followed",
		settle({ cookies }, { profile, request }) {
			const at = cookies.indexOf("better-auth.sign_up=<signed value>; httponly; max-age=3600; path=/; samesite=Lax");
			if (isOurs(profile) && request.path.startsWith("/sign-up/email") && at >= 0) cookies.splice(at, 1);
		},
	},
	{
		row: "`image`",
		reason: "an image that was never set is null, as from every database; the reference's memory adapter leaves it out",
		settle({ body }) {
			if (body?.user && typeof body.user === "object") body.user.image ??= null;
		},
	},
	{
		row: "Google's id token",
		reason: "the authorization request to Google carries a nonce, which its id_token must repeat",
		settle({ headers, body }, { profile, request }) {
			if (!isOurs(profile) || !/^\/(sign-in\/|link-)social/.test(request.path)) return;
			if (headers.location) headers.location = withoutNonce(headers.location);
			if (body?.url) body.url = withoutNonce(body.url);
		},
	},
];

/**
 * Differences of single answers, by the name in a step's `differs`. `ours` says
 * what the service answers; the reference must not answer that, or the entry is
 * out of date.
 */
export const known = {
	"e-mail normalised": {
		row: "e-mail addresses",
		reason: "addresses are trimmed, NFKC-normalised and IDNA-encoded before they are checked, so that one mailbox is one user",
		ours: (answer) => answer.status === 200,
	},
	"e-mail limits": {
		row: "e-mail addresses",
		reason: "addresses beyond RFC 5321's and DNS's lengths cannot be mailed to, and are keys in a table",
		ours: (answer) => answer.status === 400 && answer.body.code === "VALIDATION_ERROR" && answer.body.message === "[body.email] Invalid email address",
	},
	"short password counted in code points": {
		row: "passwords",
		reason: "8 to 128 characters means Unicode code points; Better Auth counts UTF-16 units",
		ours: (answer) => answer.status === 400 && answer.body.code === "PASSWORD_TOO_SHORT",
	},
	"long password counted in code points": {
		row: "passwords",
		reason: "8 to 128 characters means Unicode code points; Better Auth counts UTF-16 units",
		ours: (answer) => answer.status === 200,
	},
	"name limits": {
		row: "names, images",
		reason: "names are at most 128 characters and without control characters: they are printed in mails and logs",
		ours: (answer) => answer.status === 400,
	},
	"image limits": {
		row: "names, images",
		reason: "the URL of an image is at most 2048 characters",
		ours: (answer) => answer.status === 400,
	},
	"profile checked": {
		row: "names, images",
		reason: "name and image are strings within the limits of sign-up; Better Auth stores whatever it is sent",
		ours: (answer) => answer.status === 400 && answer.body.code === "VALIDATION_ERROR",
	},
	"a change ends the other sessions": {
		row: "change-password",
		reason: "a change of password ends every other session, and the caller goes on under a new token; Better Auth's does only when asked",
		ours: (answer) => answer.status === 200 && answer.body.token === "<token>" && answer.cookies.length === 1,
	},
	"the old session is over": {
		row: "change-password",
		reason: "a change of password ends every other session, and the caller goes on under a new token",
		ours: (answer) => answer.status === 200 && answer.body === null,
	},
	"user agent cut": {
		row: "user agents",
		reason: "a session keeps the first 512 characters of the user agent",
		ours: (answer) => answer.status === 200 && answer.body?.session?.userAgent.length === 512,
	},
	"redirect target in one line": {
		row: "redirect targets",
		reason: "no control characters in a redirect target, of which browsers and servers think differently",
		ours: (answer) => answer.status === 403 && /^INVALID_.*_URL$/.test(answer.body.code),
	},
	"redirect target on one host": {
		row: "redirect targets",
		reason: "a path that is `//host` once its dots are resolved is refused: not every router resolves them as browsers do",
		ours: (answer) => answer.status === 403 && /^INVALID_.*_URL$/.test(answer.body.code),
	},
	"reset request from elsewhere": {
		row: "requests for mail (reset, verification) without cookies",
		reason: "without cookies too, strangers' pages must not make the service send mail",
		ours: (answer) => answer.status === 403 && answer.body.code === "INVALID_ORIGIN",
	},
	"provider sign-in from elsewhere": {
		row: "`/sign-in/social` without cookies",
		reason: "without cookies too, strangers' pages must not sign anybody in",
		ours: (answer) => answer.status === 403 && ["INVALID_ORIGIN", "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED"].includes(answer.body.code),
	},
	"verification request from elsewhere": {
		row: "requests for mail (reset, verification) without cookies",
		reason: "without cookies too, strangers' pages must not make the service send mail",
		ours: (answer) => answer.status === 403 && answer.body.code === "INVALID_ORIGIN",
	},
	"verified in another browser: session": {
		row: "verification link in another browser",
		reason: "who follows the link owns the address; who signed up with it may be somebody else, and is out",
		ours: (answer) => answer.status === 200 && answer.body === null,
	},
	"verified in another browser: password": {
		row: "verification link in another browser",
		reason: "the owner of the address chooses a password, since the old one may be a stranger's",
		ours: (answer) => answer.status === 302 && /^<origin>\/reset-password\?token=[A-Za-z0-9]{43}$/.test(answer.headers.location),
	},
	"verified in another browser: sign-in": {
		row: "verification link in another browser",
		reason: "a password that may be a stranger's must not become that of a verified account",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_EMAIL_OR_PASSWORD",
	},
	"consent given once": {
		row: "verification and change links",
		reason: "a link does its work once",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_TOKEN",
	},
	"a change is its user's to make": {
		row: "both links of a change of address",
		reason: "whoever follows a link of a change shows the session of the user who asked; a mail scanner has none",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_USER",
	},
	"a taken address does not show": {
		row: "request for a change of address",
		reason: "the old address is asked for its consent whether or not the new one is taken, which its mailbox would tell",
		ours: (answer) => answer.value === 1,
	},
	"sessions end with a change of address": {
		row: "change of address",
		reason: "what was made for the old address ends with it: sessions, tokens and trusted devices",
		ours: (answer) => answer.status === 200 && answer.body === null,
	},
	"the last change of address counts": {
		row: "change of address",
		reason: "a later request makes the links of earlier ones worthless",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_TOKEN",
	},
	"redirect target too long": {
		row: "redirect targets",
		reason: "redirect targets are at most 2048 characters",
		ours: (answer) => answer.status === 400 && answer.body.message.includes("Too big"),
	},
	"junk cookies passed over": {
		row: "junk in the session cookie",
		reason: "junk under the session cookie's name, which any host of the domain can set, must not sign anybody out",
		ours: (answer) => answer.status === 200 && answer.body !== null,
	},
	"two session cookies": {
		row: "session cookie twice",
		reason: "two different valid session cookies count as none: one of them was planted",
		ours: (answer) => (answer.status === 401 || answer.body === null) && answer.cookies.length === 0,
	},
	"strict JSON": {
		row: "JSON bodies",
		reason: "duplicate keys, a byte order mark and lone surrogates are refused: two parsers could read such a body differently",
		ours: (answer) => answer.status === 400 && answer.body.code === "BAD_REQUEST",
	},
	"body too large": {
		row: "body size",
		reason: "bodies above 64 KiB are refused before they are parsed",
		ours: (answer) => answer.status === 413,
	},
	"sessions end with a reset": {
		row: "password reset",
		reason: "a password reset ends every session of the user",
		ours: (answer) => answer.status === 200 && answer.body === null,
	},
	"one reset ends all": {
		row: "password reset",
		reason: "a password reset ends the user's other reset tokens",
		ours: (answer) => answer.status === 400 && answer.body.code === "INVALID_TOKEN",
	},
	"links end with the password": {
		row: "link",
		reason: "whatever sets or removes a password makes the magic links of before worthless",
		ours: (answer) => answer.status === 302 && answer.headers.location.endsWith("?error=INVALID_TOKEN"),
	},
	"reset page": {
		row: "reset link without `redirectTo`",
		reason: "without redirectTo, the mailed link leads to the configured page; Better Auth's leads to an error",
		ours: (answer) => answer.value !== "",
	},
	"not remembered, not extended": {
		row: "rememberMe false",
		reason: "rememberMe false is kept with the session; Better Auth reads it from a second cookie, so that without that cookie the session grows to 7 days",
		ours: (answer) => answer.status === 200 && answer.body?.session?.expiresAt === "<now+1d>" && answer.cookies.length === 0,
	},
	"access token as bearer": {
		row: "access token as bearer",
		reason: "the access token is accepted as a bearer credential, as long as its session lives",
		ours: (answer) => answer.status === 200 && answer.body?.session?.userId !== undefined,
	},
	"a code works once": {
		row: "codes of the authenticator",
		reason: "a code of the authenticator is spent by its first use (RFC 6238, section 5.2); Better Auth takes it again while it lasts",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_CODE",
	},
	"backup codes as people type them": {
		row: "backup codes",
		reason: "spaces, dashes and capitals in a backup code do not matter",
		ours: (answer) => answer.status === 200,
	},
	"mail is no second factor": {
		row: "mailed codes",
		reason: "whoever has the mailbox can reset the password: a mailed code stands in for an authenticator, and is no second factor of its own",
		ours: (answer) => answer.status === 400 && answer.body.code === "OTP_NOT_CONFIGURED",
	},
	"no mailed code without a second factor": {
		row: "mailed codes",
		reason: "mailed codes stand in for an authenticator, and whoever has none gets none",
		ours: (answer) => answer.status === 400 && answer.body.code === "OTP_NOT_ENABLED",
	},
	"remembering waits too": {
		row: "rememberMe false",
		reason: "whether the session is to be remembered is kept with the challenge; Better Auth keeps it in a cookie, which the browser may lose or another sign-in change",
		ours: (answer) => answer.status === 200 && answer.cookies.length === 3,
	},
	"the cookie about remembering stays": {
		row: "trusting a device",
		reason: "trusting a device says nothing about remembering the session; Better Auth clears that cookie",
		ours: (answer) => answer.status === 200 && answer.cookies.length === 3,
	},
	"state is bound to its provider": {
		row: "state",
		reason: "a state that was issued for one provider is refused at another's callback",
		ours: (answer) => answer.status === 302 && /[?&]error=state_mismatch/.test(answer.headers.location),
	},
	"issuer checked": {
		row: "`iss` parameter",
		reason: "an `iss` parameter must name the provider (RFC 9207)",
		ours: (answer) => answer.status === 302 && /[?&]error=issuer_mismatch/.test(answer.headers.location),
	},
	"unreadable token answer": {
		row: "a token endpoint's answer that cannot be read",
		reason: "an answer of the token endpoint that cannot be read is a failed exchange",
		ours: (answer) => answer.status === 302 && answer.headers.location === "/oops?error=invalid_code",
	},
	"no words of the provider": {
		row: "provider's error",
		reason: "error_description is not passed on: strangers can write it",
		ours: (answer) => answer.headers.location === "/oops?error=access_denied",
	},
	"no codes of strangers": {
		row: "provider's error",
		reason: "only well-known error codes of providers are passed on",
		ours: (answer) => answer.headers.location === "/oops?error=oauth_provider_error",
	},
	"paths are decoded": {
		row: "unknown routes",
		reason: "the gateway decodes a path before it looks for its route",
		ours: (answer) => answer.status === 200,
	},
	"id_token works once": {
		row: "a client's `idToken`",
		reason: "an id_token that a client presents signs in or links once, so that one found in a log or a history opens nothing",
		ours: (answer) => answer.status === 401 && answer.body.code === "INVALID_TOKEN",
	},
	"the address first": {
		row: "linking by an `idToken`",
		reason: "an identity whose address is not the user's is refused before it is said whose it is, their own too",
		ours: (answer) => answer.status === 401 && answer.body.code === "LINKING_DIFFERENT_EMAILS_NOT_ALLOWED",
	},
	"no account cookie": {
		row: "`useAccountCookie`",
		reason: "accounts are in a table, never in a cookie: they are chosen by their id alone",
		ours: (answer) => answer.status === 400 && answer.body.code === "VALIDATION_ERROR",
	},
	"verified means true": {
		row: "`email_verified`",
		reason: "email_verified counts when it is JSON's true, and in no other form",
		ours: (answer) => answer.value === false,
	},
	"GitHub's verified primary address": {
		row: "GitHub's address",
		reason: "of GitHub's addresses only the verified primary one counts; Better Auth takes the profile's",
		ours: (answer) => answer.status === 302 && answer.headers.location === "/oops?error=email_not_found",
	},
	"id_token verified": {
		row: "Google's id token",
		reason: "Google's id_token is verified; Better Auth takes its claims because TLS brought it",
		ours: (answer) => answer.status === 302 && /[?&]error=/.test(answer.headers.location),
	},
};

function isOurs(profile) {
	return profile === "lambda-auth";
}

function isGetSession(request) {
	return request.path.startsWith("/get-session");
}

function withoutNonce(url) {
	if (!url.includes("google")) return url;
	return url.includes("&nonce=<random>") ? url.replace("&nonce=<random>", "") : `${url} (no nonce)`;
}
