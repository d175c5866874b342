import { each, wrongTypes } from "../lib/cases.mjs";

const PATH = "/sign-in/social";
const RESERVED = ["state", "client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "nonce", "scope"];
const google = (fields) => ({ provider: "google", ...fields });

export default [
	...each("sign-in/social: authorization URL", {
		google: {},
		github: { provider: "github" },
		"google, everything": { callbackURL: "/home", errorCallbackURL: "/oops?x=1", newUserCallbackURL: "https://app.example.com/welcome", requestSignUp: true, loginHint: "me@example.com", scopes: ["https://www.googleapis.com/auth/drive", "a b"] },
		"github, everything": { provider: "github", callbackURL: "/home", errorCallbackURL: "/oops", newUserCallbackURL: "/new", requestSignUp: false, loginHint: "me@example.com", scopes: ["repo"] },
		disableRedirect: { disableRedirect: true },
		"disableRedirect false": { disableRedirect: false },
		"no scopes": { scopes: [] },
		"a scope twice": { scopes: ["email", "email"] },
		"empty login hint": { loginHint: "" },
		additionalParams: { additionalParams: { prompt: "consent", "x y": "a&b=ü" } },
		"additionalParams, github": { provider: "github", additionalParams: { allow_signup: "false" } },
		"additionalParams over a default": { additionalParams: { include_granted_scopes: "false" } },
		"additionalParams over login_hint": { loginHint: "a@example.com", additionalParams: { login_hint: "b@example.com" } },
		"additionalParams in another case": { additionalParams: { State: "x" } },
		"additionalParams, none": { additionalParams: {} },
		additionalData: { additionalData: { any: ["thing"], n: 1 } },
		"empty URLs": { callbackURL: "", errorCallbackURL: "", newUserCallbackURL: "" },
		"unknown fields": { state: "mine", codeVerifier: "mine", redirect_uri: "https://evil.example" },
	}, (t, fields) => t.browser.post(PATH, google(fields))),
	...each("sign-in/social: provider", { unknown: "nope", "not configured": "discord", "in capitals": "GOOGLE", "with a space": "google ", empty: "", __proto__: "__proto__", constructor: "constructor", "with NUL": "google\u0000", credential: "credential" }, (t, provider) =>
		t.post(PATH, { provider }),
	),
	...each("sign-in/social: reserved parameter", Object.fromEntries(RESERVED.map((name) => [name, { [name]: "x" }])), (t, additionalParams) => t.post(PATH, google({ additionalParams }))),
	{ name: "sign-in/social: reserved parameters, two", run: (t) => t.post(PATH, google({ additionalParams: { state: "x", ok: "y", scope: "z" } })) },
	...each("sign-in/social: invalid", {
		...wrongTypes(["provider"], [undefined, null, 1, true, [], {}, ["google"]]),
		...wrongTypes(["callbackURL", "errorCallbackURL", "newUserCallbackURL"], [null, 1, true, [], {}]),
		...wrongTypes(["disableRedirect", "requestSignUp"], [null, 1, "", "true", [], {}]),
		...wrongTypes(["scopes"], [null, 1, true, "email", {}, [1], ["a", null, {}]]),
		...wrongTypes(["loginHint"], [null, 1, true, [], {}]),
		...wrongTypes(["additionalParams", "additionalData"], [null, 1, true, "x", [], ["x"]]),
		...wrongTypes(["idToken"], [null, 1, true, "x", [], {}]),
		"additionalParams of numbers": { additionalParams: { a: 1, b: null, c: "ok" } },
		"everything wrong": { provider: 1, disableRedirect: 2, idToken: 3, scopes: 4, requestSignUp: 5, loginHint: 6, additionalParams: 7, additionalData: 8 },
		"idToken of wrong types": { idToken: { token: 1, nonce: 2, accessToken: 3, refreshToken: 4, expiresAt: "5", user: 6 } },
		"idToken's user of wrong types": { idToken: { token: "x", user: { name: { firstName: 1, lastName: 2 }, email: 3 } } },
		"idToken's name of wrong type": { idToken: { token: "x", user: { name: "x" } } },
	}, (t, fields) => t.post(PATH, google(fields))),
	...each("sign-in/social: idToken", { "for github": "github", "for an unknown provider": "nope" }, (t, provider) => t.post(PATH, { provider, idToken: { token: "not.a.token" } })),
	...each("sign-in/social: idToken: malformed", { empty: "", "of one part": "x", "of three parts": "not.a.token", "of five parts": "a.b.c.d.e" }, (t, token) => t.post(PATH, google({ idToken: { token } }))),
	{ name: "sign-in/social: idToken: nothing else counts", run: (t) => t.post(PATH, google({ idToken: { token: "not.a.token" }, callbackURL: "/home", disableRedirect: true })) },
	{
		name: "sign-in/social: origin",
		async run(t) {
			await t.post(PATH, google(), { headers: { origin: "https://evil.example" }, differs: "provider sign-in from elsewhere" });
			await t.post(PATH, google(), { headers: { origin: "https://evil.example", cookie: "a=b" } });
			await t.post(PATH, google(), { headers: { origin: "https://app.example.com", cookie: "a=b" } });
			await t.post(PATH, google(), { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }, differs: "provider sign-in from elsewhere" });
		},
	},
];
