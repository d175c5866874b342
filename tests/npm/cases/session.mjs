import { createHmac } from "node:crypto";
import { each } from "../lib/cases.mjs";
import { JWT } from "../lib/mask.mjs";
import { SESSION_COOKIE } from "../lib/target.mjs";

// What a caller can present as a session; each is tried on both routes.
const CREDENTIALS = {
	none: () => ({}),
	cookie: (s) => ({ cookie: s.cookie }),
	"cookie that is not percent-encoded": (s) => ({ cookie: `${SESSION_COOKIE}=${s.signed}` }),
	"cookie in quotes": (s) => ({ cookie: `${SESSION_COOKIE}="${s.encoded}"` }),
	"cookie among others": (s) => ({ cookie: `a=b; theme="dark"; ${s.cookie}; c=d=e; =;;; f` }),
	"cookie twice, the good one first": (s) => ({ cookie: `${s.cookie}; ${SESSION_COOKIE}=garbage` }),
	"cookie of another name": (s) => ({ cookie: `__Secure-${s.cookie}` }),
	"garbage cookie": () => ({ cookie: `${SESSION_COOKIE}=garbage` }),
	"empty cookie": () => ({ cookie: `${SESSION_COOKIE}=` }),
	"cookie with bad percent-encoding": () => ({ cookie: `${SESSION_COOKIE}=%zz%` }),
	"tampered token": (s) => ({ cookie: `${SESSION_COOKIE}=${encodeURIComponent(`x${s.signed}`)}` }),
	"tampered signature": (s) => ({ cookie: `${SESSION_COOKIE}=${encodeURIComponent(flip(s.signed))}` }),
	"signature cut off": (s) => ({ cookie: `${SESSION_COOKIE}=${s.token}` }),
	"signature shortened": (s) => ({ cookie: `${SESSION_COOKIE}=${encodeURIComponent(s.signed.slice(0, -4))}` }),
	"signature without padding": (s) => ({ cookie: `${SESSION_COOKIE}=${encodeURIComponent(s.signed.slice(0, -1))}` }),
	"signature of another secret": (s) => ({ cookie: `${SESSION_COOKIE}=${encodeURIComponent(sign(s.token, "another secret, also of some length"))}` }),
	"only a dot": () => ({ cookie: `${SESSION_COOKIE}=.` }),
	"bearer, signed": (s) => ({ authorization: `Bearer ${s.signed}` }),
	"bearer, percent-encoded": (s) => ({ authorization: `Bearer ${s.encoded}` }),
	"bearer, scheme in lower case": (s) => ({ authorization: `bearer ${s.signed}` }),
	"bearer, scheme in capitals, spaces": (s) => ({ authorization: `BEARER   ${s.signed}  ` }),
	"bearer without space": (s) => ({ authorization: `Bearer${s.signed}` }),
	"bearer without token": () => ({ authorization: "Bearer " }),
	"bearer with a bad signature": (s) => ({ authorization: `Bearer ${flip(s.signed)}` }),
	"bearer with a bad signature, good cookie": (s) => ({ authorization: `Bearer ${flip(s.signed)}`, cookie: s.cookie }),
	"bearer good, cookie garbage": (s) => ({ authorization: `Bearer ${s.signed}`, cookie: `${SESSION_COOKIE}=garbage` }),
	"another scheme": () => ({ authorization: "Basic YTpi" }),
	"another scheme, good cookie": (s) => ({ authorization: "Basic YTpi", cookie: s.cookie }),
};

export default [
	...["/get-session", "/token"].flatMap((path) => [
		...each(path.slice(1), CREDENTIALS, async (t, headers) => {
			await t.signIn();
			await t.get(path, { headers: headers(t.session) });
		}),
		{
			name: `${path.slice(1)}: bearer, unsigned`,
			async run(t) {
				await t.signIn();
				await t.get(path, { headers: { authorization: `Bearer ${t.session.token}` } });
			},
		},
		{
			name: `${path.slice(1)}: cookie twice, the good one last`,
			async run(t) {
				await t.signIn();
				await t.get(path, { headers: { cookie: `${SESSION_COOKIE}=garbage; ${t.session.cookie}` }, differs: "junk cookies passed over" });
			},
		},
		{
			name: `${path.slice(1)}: two good cookies`,
			async run(t) {
				await t.signIn();
				const { cookie } = t.session;
				await t.get(path, { headers: { cookie: `${cookie}; ${cookie}` } });
				await t.signIn();
				await t.get(path, { headers: { cookie: `${cookie}; ${t.session.cookie}` }, differs: "two session cookies" });
			},
		},
		{
			name: `${path.slice(1)}: a well-signed session that has ended`,
			async run(t) {
				await t.signIn();
				const { cookie, signed, token } = t.session;
				await t.browser.post("/sign-out", {}, { unrecorded: true });
				await t.get(path, { headers: { cookie } });
				await t.get(path, { headers: { authorization: `Bearer ${signed}` } });
				await t.get(path, { headers: { authorization: `Bearer ${token}` } });
				await t.signIn();
				await t.get(path, { headers: { authorization: `Bearer ${signed}`, cookie: t.session.cookie } });
			},
		},
	]),
	{
		name: "get-session: bearer, the access token",
		async run(t) {
			const { json } = await t.signIn();
			const token = t.isPeer ? (await t.browser.get("/token", { unrecorded: true })).json.token : json.token;
			await t.get("/get-session", { headers: { authorization: `Bearer ${token}` }, differs: "access token as bearer" });
		},
	},
	...["disableRefresh=true", "disableRefresh=x&disableCookieCache=1", "disableCookieCache=true", "disableRefresh=1&disableRefresh=2", "unknown=x"].map((query) => ({
		name: `get-session: query ${query}`,
		async run(t) {
			await t.signIn();
			await t.browser.get(`/get-session?${query}`);
		},
	})),
	{
		name: "get-session: a cache cookie that nobody asked for is cleared",
		async run(t) {
			await t.signIn();
			await t.get("/get-session", { headers: { cookie: `${t.session.cookie}; better-auth.session_data=abc` } });
			await t.get("/get-session", { headers: { cookie: "better-auth.session_data=abc" } });
		},
	},
	{
		name: "get-session: the user agent of the sign-in is kept",
		async run(t) {
			await t.browser.post("/sign-in/email", t.known, { headers: { "user-agent": "Conformance/1.0 (test)" }, unrecorded: true });
			await t.browser.get("/get-session", { headers: { "user-agent": "Other/2.0" } });
		},
	},
	{
		name: "get-session: a long user agent",
		async run(t) {
			await t.browser.post("/sign-in/email", t.known, { headers: { "user-agent": "x".repeat(2000) }, unrecorded: true });
			await t.browser.get("/get-session", { differs: "user agent cut" });
		},
	},
	{
		name: "get-session: a session that is not to be remembered, presented by bearer",
		async run(t) {
			await t.browser.post("/sign-in/email", { ...t.known, rememberMe: false }, { unrecorded: true });
			await t.get("/get-session", { headers: { authorization: `Bearer ${t.session.signed}` }, differs: "not remembered, not extended" });
		},
	},
	...each("get-session: POST", { "without session": {}, "with session": { session: true }, "with session, no origin": { session: true, headers: {} } }, async (t, { session, headers }) => {
		if (session) await t.signIn();
		await t.post("/get-session", {}, { headers: headers ? t.jar.headers() : { origin: t.origin, ...t.jar.headers() } });
	}),
	{ name: "get-session: from an origin that is not trusted", run: (t) => t.get("/get-session", { headers: { cookie: "a=b", origin: "https://evil.example" } }) },
	{
		name: "get-session: from a trusted origin elsewhere",
		async run(t) {
			await t.signIn();
			await t.browser.get("/get-session", { headers: { origin: "https://app.example.com" } });
			await t.browser.get("/token", { headers: { origin: "https://app.example.com" } });
		},
	},
	{
		name: "token: the JWT says who and until when",
		async run(t) {
			await t.signIn();
			const { json } = await t.browser.get("/token");
			t.check(JWT.test(json.token), "not a JWT");
			const claims = JSON.parse(Buffer.from(json.token.split(".")[1], "base64url"));
			const { user } = (await t.browser.get("/get-session", { unrecorded: true })).json;
			t.note("claims that both have", { sub: claims.sub === user.id, email: claims.email === user.email, name: claims.name === user.name, iss: claims.iss, aud: claims.aud });
		},
	},
];

function flip(signed) {
	const at = signed.lastIndexOf(".") + 5;
	return signed.slice(0, at) + (signed[at] === "A" ? "B" : "A") + signed.slice(at + 1);
}

function sign(value, secret) {
	return `${value}.${createHmac("sha256", secret).update(value).digest("base64")}`;
}
