import { each } from "../lib/cases.mjs";

export default [
	{
		name: "sign-out: ends the session, and a second time is fine",
		async run(t) {
			await t.signIn();
			const { cookie } = t.session;
			await t.browser.post("/sign-out", {});
			await t.get("/get-session", { headers: { cookie } });
			await t.get("/token", { headers: { cookie } });
			await t.post("/sign-out", {}, { headers: { cookie, origin: t.origin } });
		},
	},
	{
		name: "sign-out: other sessions go on",
		async run(t) {
			await t.signIn();
			const other = t.session.cookie;
			await t.signIn();
			await t.browser.post("/sign-out", {});
			await t.get("/get-session", { headers: { cookie: other } });
		},
	},
	{
		name: "sign-out: of a session that was not to be remembered",
		async run(t) {
			await t.browser.post("/sign-in/email", { ...t.known, rememberMe: false }, { unrecorded: true });
			await t.browser.post("/sign-out", {});
		},
	},
	...each("sign-out: by bearer", { signed: "signed", "percent-encoded": "encoded", unsigned: "token" }, async (t, form) => {
		await t.signIn();
		const session = t.session;
		await t.post("/sign-out", {}, { headers: { authorization: `Bearer ${session[form]}` } });
		await t.get("/get-session", { headers: { cookie: session.cookie } });
	}),
	...each("sign-out: without a session", { nothing: {}, "garbage cookie": { cookie: "better-auth.session_token=garbage" }, "another cookie": { cookie: "a=b" } }, (t, headers) =>
		t.post("/sign-out", {}, { headers: { origin: t.origin, ...headers } }),
	),
	{
		name: "sign-out: refused without origin, and the session lives",
		async run(t) {
			await t.signIn();
			await t.post("/sign-out", {}, { headers: t.jar.headers() });
			await t.post("/sign-out", {}, { headers: { ...t.jar.headers(), origin: "https://evil.example" } });
			await t.browser.get("/get-session");
		},
	},
	{ name: "sign-out: fields are ignored", run: (t) => t.post("/sign-out", { a: 1, token: 5 }) },
];
