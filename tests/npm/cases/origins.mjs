// Who may call: the Origin check of requests with cookies, and the check of
// sign-in and sign-up without any (login CSRF).

import { each } from "../lib/cases.mjs";

const SOURCES = {
	nothing: () => ({}),
	"origin null": () => ({ origin: "null" }),
	"origin null, from here": () => ({ origin: "null", "sec-fetch-site": "same-origin" }),
	"origin null, from elsewhere": () => ({ origin: "null", "sec-fetch-site": "cross-site" }),
	"origin evil": () => ({ origin: "https://evil.example" }),
	"origin evil, from here": () => ({ origin: "https://evil.example", "sec-fetch-site": "same-origin" }),
	"origin own": (t) => ({ origin: t.origin }),
	"origin own, with a path": (t) => ({ origin: `${t.origin}/x?y#z` }),
	"origin own, other port": () => ({ origin: "http://localhost:1" }),
	"origin own, https": (t) => ({ origin: t.origin.replace("http:", "https:") }),
	"origin own, by address": (t) => ({ origin: t.origin.replace("localhost", "127.0.0.1") }),
	"origin trusted": () => ({ origin: "https://app.example.com" }),
	"origin trusted, in capitals": () => ({ origin: "HTTPS://APP.example.com" }),
	"origin trusted, default port": () => ({ origin: "https://app.example.com:443" }),
	"origin trusted, with a slash": () => ({ origin: "https://app.example.com/" }),
	"origin trusted, http": () => ({ origin: "http://app.example.com" }),
	"origin trusted, other port": () => ({ origin: "https://app.example.com:8443" }),
	"origin trusted, as a prefix": () => ({ origin: "https://app.example.com.evil.example" }),
	"origin trusted, as a suffix": () => ({ origin: "https://evil-app.example.com" }),
	"origin trusted, as user": () => ({ origin: "https://app.example.com@evil.example" }),
	"origin trusted, final dot": () => ({ origin: "https://app.example.com." }),
	"origin trusted, no scheme": () => ({ origin: "app.example.com" }),
	"origin trusted, other scheme": () => ({ origin: "ftp://app.example.com" }),
	"origin by pattern": () => ({ origin: "https://a.preview.example.com" }),
	"origin by pattern, two labels": () => ({ origin: "https://a.b.preview.example.com" }),
	"origin by pattern, no label": () => ({ origin: "https://preview.example.com" }),
	"origin by pattern, empty label": () => ({ origin: "https://.preview.example.com" }),
	"origin by pattern, http": () => ({ origin: "http://a.preview.example.com" }),
	"origin by pattern, port": () => ({ origin: "https://a.preview.example.com:8443" }),
	"origin by pattern, as a prefix": () => ({ origin: "https://a.preview.example.com.evil.example" }),
	"origin by pattern, in a path": () => ({ origin: "https://evil.example/a.preview.example.com" }),
	"origin by pattern, in a query": () => ({ origin: "https://evil.example?.preview.example.com" }),
	"origin by pattern, in a fragment": () => ({ origin: "https://evil.example#.preview.example.com" }),
	"origin by pattern, as user": () => ({ origin: "https://evil.example@a.preview.example.com" }),
	"origin by pattern, backslash": () => ({ origin: "https://evil.example\\.preview.example.com" }),
	"origin a word": () => ({ origin: "garbage" }),
	"origin a path": () => ({ origin: "/x" }),
	"origin a star": () => ({ origin: "*" }),
	"origin the pattern itself": () => ({ origin: "https://*.preview.example.com" }),
	"origin two": (t) => ({ origin: `${t.origin}, https://evil.example` }),
	"origin empty": () => ({ origin: "" }),
	"origin javascript:": () => ({ origin: "javascript:alert(1)" }),
	"referer own": (t) => ({ referer: `${t.origin}/page?x` }),
	"referer trusted": () => ({ referer: "https://app.example.com/page" }),
	"referer evil": () => ({ referer: "https://evil.example/page" }),
	"referer garbage": () => ({ referer: "garbage" }),
	"origin evil, referer own": (t) => ({ origin: "https://evil.example", referer: `${t.origin}/` }),
	"origin null, referer own": (t) => ({ origin: "null", referer: `${t.origin}/` }),
	"origin empty, referer own": (t) => ({ origin: "", referer: `${t.origin}/` }),
	"origin own, referer evil": (t) => ({ origin: t.origin, referer: "https://evil.example/" }),
};

const FETCH_METADATA = {
	"cross-site navigation": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }),
	"cross-site navigation, own origin": (t) => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", origin: t.origin }),
	"cross-site navigation, document": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }),
	"cross-site, cors, no origin": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" }),
	"cross-site, cors, trusted origin": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", origin: "https://app.example.com" }),
	"cross-site, cors, evil origin": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors", origin: "https://evil.example" }),
	"cross-site, no-cors, no origin": () => ({ "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }),
	"same-origin, no origin": () => ({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" }),
	"same-origin navigation, own origin": (t) => ({ "sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", origin: t.origin }),
	"same-origin, own referer": (t) => ({ "sec-fetch-site": "same-origin", referer: `${t.origin}/sign-in` }),
	"same-site, evil origin": () => ({ "sec-fetch-site": "same-site", origin: "https://evil.example" }),
	"typed in": () => ({ "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }),
	"mode alone, as Node's fetch sends it": () => ({ "sec-fetch-mode": "cors" }),
	"dest alone": () => ({ "sec-fetch-dest": "empty" }),
	"site alone": () => ({ "sec-fetch-site": "cross-site" }),
	"blank headers": () => ({ "sec-fetch-site": " ", "sec-fetch-mode": "", "sec-fetch-dest": " " }),
};

const ROUTES = ["/sign-up/email", "/sign-in/email", "/sign-in/social", "/get-session", "/sign-out", "/request-password-reset", "/reset-password", "/callback/google"];
const STRANGER = { email: "nobody@example.com", password: "wrong password" };

export default [
	...each("origin check, with a cookie", SOURCES, (t, headers) => t.post("/sign-out", {}, { headers: { cookie: "a=b", ...headers(t) } })),
	...each("origin check, without a cookie", { "origin evil": SOURCES["origin evil"], "origin null": SOURCES["origin null"], bearer: () => ({ origin: "https://evil.example", authorization: "Bearer x" }) }, (t, headers) =>
		t.post("/sign-out", {}, { headers: headers(t) }),
	),
	...ROUTES.map((route) => ({
		name: `origin check of ${route}`,
		run: (t) => t.post(route, {}, { headers: { cookie: "a=b", origin: "https://evil.example" } }),
	})),
	...each("login CSRF, sign-in", { ...SOURCES, ...FETCH_METADATA }, (t, headers) => t.post("/sign-in/email", STRANGER, { headers: headers(t) })),
	...each("login CSRF, sign-up", FETCH_METADATA, async (t, headers) => {
		await t.post("/sign-up/email", { name: "x", email: t.email(), password: "password-1" }, { headers: headers(t) });
	}),
	...each("login CSRF, with a cookie", FETCH_METADATA, (t, headers) => t.post("/sign-in/email", STRANGER, { headers: { cookie: "a=b", ...headers(t) } })),
	...each("order of checks", {
		"invalid JSON before origin": ["{", { origin: "https://evil.example", cookie: "a=b" }],
		"content type before origin": ["{}", { origin: "https://evil.example", cookie: "a=b", "content-type": "text/plain" }],
		"origin before the schema": ["{}", { origin: "https://evil.example", cookie: "a=b" }],
		"origin before redirect targets": ["{\"callbackURL\":\"//evil.example\"}", { origin: "https://evil.example", cookie: "a=b" }],
		"redirect targets before the schema": ["{\"callbackURL\":\"//evil.example\"}", {}],
		"redirect targets before login CSRF": ["{\"email\":\"a@ex.com\",\"password\":\"x\",\"callbackURL\":\"//evil.example\"}", { origin: "https://evil.example" }],
		"the schema before login CSRF": ["{}", { origin: "https://evil.example" }],
		"login CSRF before the address": ["{\"email\":\"bad\",\"password\":\"x\"}", { origin: "https://evil.example" }],
	}, (t, [body, headers]) => t.post("/sign-in/email", body, { headers })),
];
