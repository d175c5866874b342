import { each, wrongTypes } from "../lib/cases.mjs";

const PATH = "/sign-in/email";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const credentials = (t, fields) => ({ email: t.known.email, password: t.known.password, ...fields });

export default [
	{
		name: "sign-in: success, and the session that comes with it",
		async run(t) {
			await t.browser.post(PATH, credentials(t));
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-in: from a trusted origin elsewhere",
		run: (t) => t.post(PATH, credentials(t), { headers: { origin: "https://app.example.com" } }),
	},
	{
		name: "sign-in: the address in upper case",
		run: (t) => t.post(PATH, credentials(t, { email: t.known.email.toUpperCase() })),
	},
	{
		name: "sign-in: the address with space around it",
		run: (t) => t.post(PATH, credentials(t, { email: ` ${t.known.email} ` }), { differs: "e-mail normalised" }),
	},
	{
		name: "sign-in: rememberMe false, then a session that is remembered",
		async run(t) {
			await t.browser.post(PATH, credentials(t, { rememberMe: false }));
			await t.browser.get("/get-session");
			await t.browser.post(PATH, credentials(t));
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-in: rememberMe true",
		run: (t) => t.post(PATH, credentials(t, { rememberMe: true })),
	},
	{
		name: "sign-in: again, while signed in",
		async run(t) {
			await t.signIn();
			const first = t.session.cookie;
			await t.browser.post(PATH, credentials(t));
			await t.get("/get-session", { headers: { cookie: first } });
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-in: a planted session cookie is replaced",
		async run(t) {
			t.jar.set("better-auth.session_token", "planted");
			await t.browser.post(PATH, credentials(t));
			t.check(t.session.token !== "planted", "the planted token is in use");
			await t.browser.get("/get-session");
		},
	},
	...each("sign-in: callbackURL", { relative: "/dash?a=1&b=%20#c", "trusted origin": "https://app.example.com/x", "trusted pattern": "https://a.b.preview.example.com/x?y", "own origin": null, empty: "", untrusted: "https://evil.example/x" }, async (t, callbackURL) => {
		await t.post(PATH, credentials(t, { callbackURL: callbackURL ?? `${t.origin}/x` }));
		await t.post(PATH, credentials(t, { callbackURL: callbackURL ?? `${t.origin}/x`, password: "wrong password" }));
	}),
	...each("sign-in: refused", {
		"wrong password": { password: "wrong password" },
		"unknown user": { email: "nobody@example.com" },
		"empty password": { password: "" },
		"short password": { password: "x" },
		"password with a space more": { password: "correct horse battery " },
		"password in another case": { password: "Correct horse battery" },
		"password too long": { password: "x".repeat(129) },
		"password too long, unknown user": { email: "nobody@example.com", password: "x".repeat(129) },
		"bad address": { email: "bad" },
		"bad address, password too long": { email: "bad", password: "x".repeat(129) },
		"empty address": { email: "" },
		"two addresses": { email: "a@ex.com,b@ex.com" },
	}, (t, fields) => t.browser.post(PATH, credentials(t, fields))),
	...each("sign-in: invalid", {
		...wrongTypes(["email", "password"], [undefined, null, 1, 1.5, true, [], {}, ["x"]]),
		...wrongTypes(["rememberMe"], [null, 1, "", "true", [], {}]),
		...wrongTypes(["callbackURL"], [null, 1, true, [], {}, ["/a"]]),
		"everything missing": { email: undefined, password: undefined },
		"everything wrong": { email: 1, password: 2, rememberMe: 3 },
	}, (t, fields) => t.post(PATH, credentials(t, fields))),
	...each("sign-in: form body", {
		plain: {},
		"with callbackURL": { callbackURL: "/dash" },
		"with an evil callbackURL": { callbackURL: "//evil.example" },
		"with rememberMe": { rememberMe: "false" },
		"with a wrong password": { password: "wrong password" },
	}, (t, fields) => t.post(PATH, new URLSearchParams(credentials(t, fields)).toString(), { headers: FORM })),
	...each("sign-in: callbackURL in the query", { trusted: "/dash", evil: "//evil.example" }, (t, target) => t.post(`${PATH}?callbackURL=${encodeURIComponent(target)}`, credentials(t))),
	{
		name: "sign-in: callbackURL in the query, twice",
		run: (t) => t.post(`${PATH}?callbackURL=/a&callbackURL=/b`, credentials(t)),
	},
	{
		name: "sign-in: unknown fields are ignored",
		run: (t) => t.post(PATH, credentials(t, { userId: "other", token: "x", name: 5 })),
	},
];
