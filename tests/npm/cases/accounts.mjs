// The ways in of a user: listing, linking and unlinking them, and their tokens.

import { send } from "../lib/http.mjs";
import { each, wrongTypes } from "../lib/cases.mjs";

// A number of its own for each case, the same on both servers.
const number = (t) => [...t.email()].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 999_999_937, 7);
const google = (t, claims) => ({ profile: { sub: t.email("sub").replace("@", "."), email: t.email(), email_verified: true, name: "Goo Gle", picture: "https://example.com/g.png", ...claims } });
const github = (t, { emails, ...user } = {}) => ({
	profile: { id: number(t), login: "git-hub", name: "Git Hub", email: t.email(), avatar_url: "https://example.com/h.png", ...user },
	emails: emails ?? [{ email: t.email(), primary: true, verified: true }],
});

const ask = async (provider, path, body) => JSON.parse((await send(provider, { method: "POST", path, body: JSON.stringify(body) })).body);

/** Links a provider by redirect; the last answer is recorded. */
async function link(t, provider, who, { start, fault, ...options } = {}) {
	const name = who.emails ? "github" : "google";
	const body = { provider: name, callbackURL: "/home", errorCallbackURL: "/oops", ...start };
	const { json } = await t.browser.post("/link-social", body, { unrecorded: true });
	const state = new URL(json.url).searchParams.get("state");
	const { code } = await ask(provider, "/code", { authorizationURL: json.url, ...who, fault });
	t.mask.secret(state, "<state>");
	t.mask.secret(code, "<code>");
	return t.browser.get(`/callback/${name}?${new URLSearchParams({ code, state })}`, options);
}

/** Links a provider by an id token. */
async function present(t, provider, { profile }, options) {
	const { token } = await ask(provider, "/id-token", { profile });
	return t.browser.post("/link-social", { provider: "google", idToken: { token } }, options);
}

/** `{ accountId }` of the user's account at a provider. */
async function choice(t, providerId) {
	const { json } = await t.browser.get("/list-accounts", { unrecorded: true });
	return { accountId: json.find((account) => account.providerId === providerId).id };
}

/** A user with a password and Google, and the account at Google. */
async function linked(t, provider, options = {}) {
	await t.signUp();
	await link(t, provider, google(t), { unrecorded: true, ...options });
	return choice(t, "google");
}

const selectors = {
	nothing: {},
	"wrong type": { accountId: 1 },
	null: { accountId: null },
	"a provider": { providerId: "google" },
	"an account and a provider": { accountId: "x", providerId: "google" },
	"an account and two others": { accountId: "x", a: 1, b: 2 },
	"an account and a user": { accountId: "x", userId: "y" },
	"an account and a number for a user": { accountId: "x", userId: 1 },
	"unknown account": { accountId: "x" },
	"empty account": { accountId: "" },
	array: [],
};

const plain = [
	...each("accounts: signed out", {
		"list-accounts": (t) => t.get("/list-accounts"),
		"link-social": (t) => t.post("/link-social", { provider: "google" }),
		"link-social, bad body": (t) => t.post("/link-social", {}),
		"unlink-account": (t) => t.post("/unlink-account", { accountId: "x" }),
		"unlink-account, bad body": (t) => t.post("/unlink-account", {}),
		"get-access-token": (t) => t.post("/get-access-token", { accountId: "x" }),
		"get-access-token, bad body": (t) => t.post("/get-access-token", {}),
		"refresh-token": (t) => t.post("/refresh-token", { accountId: "x" }),
		"account-info": (t) => t.get("/account-info?accountId=x"),
		"account-info, bad query": (t) => t.get("/account-info"),
	}, (t, request) => request(t)),
	{
		name: "accounts: a password alone",
		async run(t) {
			await t.signUp();
			await t.browser.get("/list-accounts");
			const account = await choice(t, "credential");
			await t.browser.post("/unlink-account", account);
			await t.browser.post("/unlink-account", { accountId: "unknown" });
			for (const path of ["/get-access-token", "/refresh-token"]) await t.browser.post(path, account);
			await t.browser.get(`/account-info?accountId=${account.accountId}`);
		},
	},
	...each("link-social: invalid", {
		...wrongTypes(["provider"], [undefined, null, 1, [], {}]),
		...wrongTypes(["callbackURL", "errorCallbackURL"], [null, 1, {}]),
		...wrongTypes(["disableRedirect", "requestSignUp"], [null, 1, "true"]),
		...wrongTypes(["scopes"], [null, "email", [1]]),
		...wrongTypes(["loginHint", "additionalParams", "idToken"], [null, 1, []]),
		"reserved parameter": { additionalParams: { state: "x" } },
		"idToken without a token": { idToken: {} },
	}, async (t, fields) => {
		await t.signIn();
		await t.browser.post("/link-social", { provider: "google", ...fields });
	}),
	...each("link-social", {
		google: { provider: "google" },
		"github, everything": { provider: "github", callbackURL: "/home", errorCallbackURL: "/oops", scopes: ["repo"], loginHint: "me@example.com", additionalParams: { allow_signup: "false" }, disableRedirect: true },
		"unknown provider": { provider: "nope" },
		"a page elsewhere": { provider: "google", callbackURL: "https://evil.example/" },
		"an error page elsewhere": { provider: "google", errorCallbackURL: "https://evil.example/" },
		"id token for github": { provider: "github", idToken: { token: "not.a.token" } },
		"malformed id token": { provider: "google", idToken: { token: "not.a.token" } },
	}, async (t, body) => {
		await t.signIn();
		await t.browser.post("/link-social", body);
	}),
	...each("unlink-account: invalid", wrongTypes(["accountId"], [undefined, null, 1, [], {}]), async (t, body) => {
		await t.signIn();
		await t.browser.post("/unlink-account", body);
	}),
	...["/get-access-token", "/refresh-token"].flatMap((path) =>
		each(`${path.slice(1)}: selector`, selectors, async (t, body) => {
			await t.signIn();
			await t.browser.post(path, body);
		}),
	),
	{
		name: "accounts: no account cookie",
		async run(t) {
			await t.signIn();
			await t.browser.post("/get-access-token", { useAccountCookie: true }, { differs: "no account cookie" });
		},
	},
	...each("account-info: selector", { nothing: "", "a provider": "?providerId=google", "an account and a provider": "?accountId=x&providerId=google", "an account and a user": "?accountId=x&userId=y", unknown: "?accountId=x" }, async (t, query) => {
		await t.signIn();
		await t.browser.get(`/account-info${query}`);
	}),
];

const withProvider = [
	...each("accounts: linked by redirect", { google, github }, async (t, person, { provider }) => {
		await t.signUp();
		await link(t, provider, person(t));
		await t.browser.get("/list-accounts");
		await link(t, provider, person(t));
		await t.browser.get("/get-session");
	}),
	...each("accounts: refused by redirect", {
		"another e-mail": (t) => google(t, { email: t.email("other") }),
		"another e-mail at github": (t) => github(t, { email: t.email("other"), emails: [{ email: t.email("other"), primary: true, verified: true }] }),
		"e-mail not verified": (t) => google(t, { email_verified: false }),
	}, async (t, person, { provider }) => {
		await t.signUp();
		await link(t, provider, person(t));
		await t.browser.get("/list-accounts");
	}),
	...each("accounts: linked by id token", {
		"the same e-mail": (t) => google(t),
		"e-mail in capitals": (t) => google(t, { email: t.email().toUpperCase() }),
		"another e-mail": (t) => google(t, { email: t.email("other") }),
		"e-mail not verified": (t) => google(t, { email_verified: false }),
		"no e-mail": (t) => google(t, { email: undefined }),
	}, async (t, person, { provider }) => {
		await t.signUp();
		await present(t, provider, person(t));
		await t.browser.get("/list-accounts", { only: ["status"] });
	}),
	{
		name: "accounts: linked again by id token",
		async run(t, { provider }) {
			await t.signUp();
			const { token } = await ask(provider, "/id-token", google(t));
			const again = (options) => t.browser.post("/link-social", { provider: "google", idToken: { token } }, options);
			await again();
			await again({ differs: "id_token works once" });
			await present(t, provider, google(t, { email: t.email("other") }), { differs: "the address first" });
		},
	},
	{
		name: "accounts: an identity of somebody else",
		async run(t, { provider }) {
			await linked(t, provider);
			await t.browser.post("/sign-out", {}, { unrecorded: true });
			await t.signUp({ email: t.email("second") });
			const taken = google(t, { email: t.email("second") });
			await link(t, provider, taken);
			await present(t, provider, taken);
		},
	},
	{
		name: "accounts: a provider given up",
		async run(t, { provider }) {
			const account = await linked(t, provider);
			await t.browser.post("/unlink-account", { accountId: "unknown" });
			await t.browser.post("/unlink-account", account);
			await t.browser.post("/unlink-account", account);
			await t.browser.get("/list-accounts");
		},
	},
	{
		name: "accounts: a password given up",
		async run(t, { provider }) {
			await linked(t, provider);
			await t.browser.post("/unlink-account", await choice(t, "credential"));
			await t.browser.get("/list-accounts");
			await t.post("/sign-in/email", { email: t.email(), password: "password-1" });
		},
	},
	{
		name: "accounts: the access token of a link",
		async run(t, { provider }) {
			const account = await linked(t, provider);
			const { json } = await t.browser.post("/get-access-token", account, { unrecorded: true });
			t.mask.secret(json.accessToken, "<access token>");
			t.mask.secret(json.idToken, "<id token>");
			await t.browser.post("/get-access-token", account);
			await t.browser.post("/refresh-token", account);
			const info = await t.browser.get(`/account-info?accountId=${account.accountId}`, { only: ["status"] });
			t.note("user", info.json.user);
			t.note("fields", Object.keys(info.json).sort());
		},
	},
	...each("accounts: a refresh", { done: undefined, refused: "no refresh" }, async (t, fault, { provider }) => {
		const account = await linked(t, provider, { start: { additionalParams: { access_type: "offline" } }, fault });
		const { json } = await t.browser.post("/refresh-token", account, { only: ["status"] });
		t.note("fields", Object.keys(json).sort());
		t.note("code", json.code ?? json.scope);
	}),
].map((entry) => ({ ...entry, needsProvider: true }));

export default [...plain, ...withProvider];
