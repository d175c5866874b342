import { magicLinkClient } from "better-auth/client/plugins";
import { each, wrongTypes } from "../lib/cases.mjs";

const REQUEST = "/sign-in/magic-link";
const VERIFY = "/magic-link/verify";
const q = encodeURIComponent;

export default [
	...each("magic link request", {
		"a newcomer": (t) => ({ email: t.email() }),
		"a known user": (t) => ({ email: t.known.email }),
		"a known user, in capitals": (t) => ({ email: t.known.email.toUpperCase() }),
		"all fields": (t) => ({ email: t.email(), name: "New", callbackURL: "/a", newUserCallbackURL: "/n", errorCallbackURL: "/e", metadata: { a: [1] } }),
		"empty targets": (t) => ({ email: t.email(), callbackURL: "", newUserCallbackURL: "", errorCallbackURL: "" }),
		"unknown fields": (t) => ({ email: t.email(), userId: "x", token: "y", emailVerified: false, rememberMe: false }),
		"callbackURL elsewhere": (t) => ({ email: t.email(), callbackURL: "https://evil.example/" }),
		"newUserCallbackURL elsewhere": (t) => ({ email: t.email(), newUserCallbackURL: "//evil.example" }),
		"errorCallbackURL elsewhere": (t) => ({ email: t.email(), errorCallbackURL: "/\\evil.example" }),
		"callbackURL elsewhere, bad address": () => ({ email: "bad", callbackURL: "https://evil.example/" }),
		"bad address": () => ({ email: "bad" }),
		"nothing": () => ({}),
	}, (t, body) => t.post(REQUEST, body(t))),
	...each("magic link request: invalid", {
		...wrongTypes(["email"], [undefined, null, 1, true, [], {}, ["a@ex.com"]]),
		...wrongTypes(["name"], [null, 1, true, [], {}]),
		...wrongTypes(["callbackURL", "newUserCallbackURL", "errorCallbackURL"], [null, 1, true, [], {}, ["/a"]]),
		...wrongTypes(["metadata"], [null, 1, true, "", []]),
	}, (t, fields) => t.post(REQUEST, { email: t.email(), ...fields })),
	{
		name: "magic link request: from an origin that is not trusted",
		async run(t) {
			await t.post(REQUEST, { email: t.email() }, { headers: { origin: "https://evil.example" } });
			await t.post(REQUEST, { email: t.email() }, { headers: { origin: "https://evil.example", cookie: "a=b" } });
			await t.post(REQUEST, { email: t.email() }, { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" } });
			t.note("mails", (await t.mails(t.email())).length);
		},
	},
	{
		name: "magic link request: a name that is too long",
		run: (t) => t.post(REQUEST, { email: t.email(), name: "x".repeat(200) }, { differs: "name limits" }),
	},
	...each("magic link mail", {
		"no targets": {},
		"empty targets": { callbackURL: "", newUserCallbackURL: "", errorCallbackURL: "" },
		"all targets": { callbackURL: "/a?b=c d&e=é#f", newUserCallbackURL: "https://app.example.com/new", errorCallbackURL: "/e?x=1" },
	}, async (t, fields) => {
		const { link, mail } = await newLink(t, t.email(), fields);
		t.note("link", link.href);
		t.note("recipient", [mail.to].flat().includes(t.email()));
	}),
	...each("magic link: a newcomer", {
		"no callbackURL": "",
		"empty callbackURL": "&callbackURL=",
		"callbackURL": `&callbackURL=${q("/home?a=1#b")}`,
		"callbackURL, not ASCII": `&callbackURL=${q("/é ü?ö=ß")}`,
		"callbackURL on a trusted origin": `&callbackURL=${q("https://app.example.com")}`,
		"callbackURL and newUserCallbackURL": `&callbackURL=${q("/home")}&newUserCallbackURL=${q("/welcome?x=1")}`,
		"newUserCallbackURL alone": `&newUserCallbackURL=${q("/welcome")}`,
		"errorCallbackURL too": `&callbackURL=${q("/home")}&errorCallbackURL=${q("/oops")}`,
	}, async (t, query) => {
		const { token } = await newLink(t, t.email(), { name: "New Comer" });
		await t.browser.get(`${VERIFY}?token=${token}${query}`);
		await t.browser.get("/get-session");
		await t.browser.get(`${VERIFY}?token=${token}${query}`);
	}),
	{
		name: "magic link: a newcomer without a name",
		async run(t) {
			const { token } = await newLink(t, t.email());
			await t.browser.get(`${VERIFY}?token=${token}`);
		},
	},
	{
		name: "magic link: a newcomer comes back",
		async run(t) {
			const first = await newLink(t, t.email(), { name: "First" });
			await t.browser.get(`${VERIFY}?token=${first.token}`);
			const second = await newLink(t, t.email(), { name: "Second" });
			await t.browser.get(`${VERIFY}?token=${second.token}&callbackURL=%2Fhome&newUserCallbackURL=%2Fwelcome`);
			await t.browser.get("/get-session");
		},
	},
	{
		name: "magic link: two first links, one after the other",
		async run(t) {
			const first = await newLink(t, t.email());
			const second = await newLink(t, t.email());
			await t.browser.get(`${VERIFY}?token=${second.token}`);
			await t.browser.get(`${VERIFY}?token=${first.token}`);
		},
	},
	{
		name: "magic link: an unverified user loses password and sessions and becomes verified",
		async run(t) {
			const { email, password } = await t.signUp();
			const { cookie } = t.session;
			const { token } = await newLink(t, email);
			await t.get(`${VERIFY}?token=${token}`);
			await t.get("/get-session", { headers: { cookie } });
			await t.post("/sign-in/email", { email, password });
		},
	},
	{
		name: "magic link: an unverified user's older link",
		async run(t) {
			const { email } = await t.signUp();
			const [older, newer] = [await newLink(t, email), await newLink(t, email)];
			await t.get(`${VERIFY}?token=${newer.token}`);
			await t.get(`${VERIFY}?token=${older.token}`, { differs: "links end with the password" });
		},
	},
	{
		name: "magic link: a link of before a reset",
		async run(t) {
			const { email } = await t.signUp();
			const { token } = await newLink(t, email);
			const reset = await t.resetLink(email);
			await t.post("/reset-password", { token: reset.token, newPassword: "password-2" });
			await t.get(`${VERIFY}?token=${token}`, { differs: "links end with the password" });
		},
	},
	...each("magic link: bad token", {
		"no targets": "?token=unknown",
		"empty token": "?token=",
		"callbackURL": `?token=unknown&callbackURL=${q("/home?a=1&error=mine#b")}`,
		"callbackURL on a trusted origin": `?token=unknown&callbackURL=${q("https://app.example.com")}`,
		"errorCallbackURL": `?token=unknown&callbackURL=${q("/home")}&errorCallbackURL=${q("/oops?x=1")}`,
		"errorCallbackURL alone": `?token=unknown&errorCallbackURL=${q("/oops")}`,
		"newUserCallbackURL alone": `?token=unknown&newUserCallbackURL=${q("/new")}`,
		"empty targets": "?token=unknown&callbackURL=&errorCallbackURL=&newUserCallbackURL=",
		"NUL": "?token=%00",
		"long": `?token=${"x".repeat(3000)}`,
		"callbackURL elsewhere": `?token=unknown&callbackURL=${q("https://evil.example")}`,
		"newUserCallbackURL elsewhere": `?token=unknown&callbackURL=%2F&newUserCallbackURL=${q("//evil.example")}`,
		"errorCallbackURL elsewhere": `?token=unknown&errorCallbackURL=${q("/\\evil.example")}`,
		"no token": "",
		"no token, callbackURL elsewhere": `?callbackURL=${q("https://evil.example")}`,
		"token twice": "?token=a&token=b",
		"callbackURL twice": "?token=unknown&callbackURL=%2Fa&callbackURL=%2Fb",
		"errorCallbackURL twice": "?token=unknown&errorCallbackURL=%2Fa&errorCallbackURL=%2Fb",
	}, (t, query) => t.get(VERIFY + query)),
	{
		name: "magic link: a refused target does not use up the token",
		async run(t) {
			const { token } = await newLink(t, t.email());
			for (const name of ["callbackURL", "newUserCallbackURL", "errorCallbackURL"]) await t.get(`${VERIFY}?token=${token}&${name}=${q("https://evil.example")}`);
			await t.get(`${VERIFY}?token=${token}`);
		},
	},
	{
		name: "magic link: other methods",
		async run(t) {
			const { token } = await newLink(t, t.email());
			for (const method of ["HEAD", "POST"]) await t.send({ method, path: `${VERIFY}?token=${token}`, only: ["status"] });
			await t.get(`${VERIFY}?token=${token}`);
		},
	},
	{
		name: "magic link: a reset token and an OAuth state are none",
		async run(t) {
			const { email } = await t.signUp();
			const reset = await t.resetLink(email);
			const { state } = await t.startSocial({ provider: "google" });
			for (const token of [reset.token, state]) await t.get(`${VERIFY}?token=${token}`);
			await t.post("/reset-password", { token: reset.token, newPassword: "password-2" });
		},
	},
	{
		name: "client: magic link",
		async run(t) {
			const client = t.client({ plugins: [magicLinkClient()] });
			const email = t.email();
			t.note("request", await client.signIn.magicLink({ email, name: "Client", callbackURL: "/home", newUserCallbackURL: "/welcome", errorCallbackURL: "/oops" }));
			const { token } = await linkIn(t, email);
			const verified = await client.magicLink.verify({ query: { token } });
			t.note("verified", { error: verified.error, user: { image: null, ...verified.data.user } });
			t.check(verified.data.token, "no token");
			const { data } = await client.getSession();
			t.note("session", { image: null, ...data.user });
			t.note("evil callbackURL", await client.signIn.magicLink({ email, callbackURL: "https://evil.example" }));
		},
	},
];

/** Asks for a link; gives it, and its token, which answers then show as `<link token>`. */
async function newLink(t, email, fields = {}) {
	await t.post(REQUEST, { email, ...fields }, { unrecorded: true });
	return linkIn(t, email);
}

async function linkIn(t, email) {
	const [mail] = await t.mails(email);
	if (!mail) throw new Error(`no mail to ${email}`);
	const link = new URL(mail.links[0]);
	const token = link.searchParams.get("token");
	t.mask.secret(token, "<link token>");
	return { link, token, mail };
}
