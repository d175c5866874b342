import { each, wrongTypes } from "../lib/cases.mjs";

const POSTS = ["/revoke-session", "/revoke-sessions", "/revoke-other-sessions", "/update-session"];

// Another session of the user of this case: its cookie, and the name by which it can be revoked.
async function anotherSession(t, person) {
	const first = t.session.cookie;
	await t.signIn(person);
	const { json } = await t.browser.get("/get-session", { unrecorded: true });
	return { first, second: t.session.cookie, token: json.session.token };
}

export default [
	{
		name: "list-sessions: all of the user's own",
		async run(t) {
			const person = await t.signUp();
			await t.browser.get("/list-sessions");
			await anotherSession(t, person);
			await t.browser.get("/list-sessions");
		},
	},
	...each("list-sessions: without a session", { nothing: {}, "garbage cookie": { cookie: "better-auth.session_token=garbage" } }, (t, headers) => t.get("/list-sessions", { headers })),
	...each("sessions: without a session", Object.fromEntries(POSTS.map((path) => [path, path])), async (t, path) => {
		await t.post(path, { token: "x" });
		await t.post(path, [], {});
		await t.post(path, { token: "x" }, { headers: { cookie: "a=b", origin: "https://evil.example" } });
	}),
	{
		name: "revoke-session: another one",
		async run(t) {
			const person = await t.signUp();
			const { first, second, token } = await anotherSession(t, person);
			await t.post("/revoke-session", { token }, { headers: { cookie: first, origin: t.origin } });
			await t.get("/get-session", { headers: { cookie: second } });
			await t.get("/get-session", { headers: { cookie: first } });
		},
	},
	{
		name: "revoke-session: the current one",
		async run(t) {
			await t.signUp();
			const { json } = await t.browser.get("/get-session", { unrecorded: true });
			const { cookie } = t.session;
			await t.browser.post("/revoke-session", { token: json.session.token });
			await t.get("/get-session", { headers: { cookie } });
		},
	},
	{
		name: "revoke-session: somebody else's",
		async run(t) {
			await t.signUp();
			const { json } = await t.browser.get("/get-session", { unrecorded: true });
			const { cookie } = t.session;
			await t.signIn();
			await t.browser.post("/revoke-session", { token: json.session.token });
			await t.get("/get-session", { headers: { cookie } });
		},
	},
	...each("revoke-session: no session's", { unknown: { token: "A".repeat(43) }, short: { token: "x" }, empty: { token: "" }, ...wrongTypes(["token"], [undefined, null, 1, true, [], {}]) }, async (t, body) => {
		await t.signIn();
		await t.browser.post("/revoke-session", body);
		await t.browser.get("/get-session", { only: ["status", "cookies"] });
	}),
	{
		name: "revoke-sessions: all are over",
		async run(t) {
			const person = await t.signUp();
			const { first } = await anotherSession(t, person);
			await t.browser.post("/revoke-sessions", {});
			await t.get("/get-session", { headers: { cookie: first } });
		},
	},
	{
		name: "revoke-other-sessions: the current one goes on",
		async run(t) {
			const person = await t.signUp();
			const { first } = await anotherSession(t, person);
			await t.browser.post("/revoke-other-sessions", {});
			await t.get("/get-session", { headers: { cookie: first } });
			await t.browser.get("/get-session");
			await t.browser.get("/list-sessions");
			await t.browser.post("/revoke-other-sessions", undefined);
		},
	},
	...each("update-session", { nothing: {}, "fields of ours": { userId: "x", expiresAt: 1, token: "x" }, unknown: { a: 1 }, array: [], null: null, text: '"x"', "no body": undefined }, async (t, body) => {
		await t.signIn();
		await t.browser.post("/update-session", body === null ? "null" : body);
	}),
];
