// Whole sign-ins with a provider, as idp.mjs plays it.

import { randomInt } from "node:crypto";
import { send } from "../lib/http.mjs";
import { each } from "../lib/cases.mjs";

/** Starts a flow, lets the stand-in issue a code for somebody, and goes back to the callback. */
async function signIn(t, provider, who, { start = {}, fault, back = {}, callback, ...options } = {}) {
	const name = who.emails || who.profile.id ? "github" : "google";
	const { url, state } = await t.startSocial({ provider: name, errorCallbackURL: "/oops", ...start });
	const { body } = await send(provider, { method: "POST", path: "/code", body: JSON.stringify({ authorizationURL: url, ...who, fault }) });
	const query = new URLSearchParams({ code: JSON.parse(body).code, state, ...back });
	t.mask.secret(JSON.parse(body).code, "<code>");
	return t.browser.get(`/callback/${callback ?? name}?${query}`, options);
}

const google = (t, claims) => ({ profile: { sub: String(randomInt(1e12)), email: t.email(), email_verified: true, name: "Goo Gle", picture: "https://example.com/g.png", ...claims } });
const github = (t, { emails, ...user } = {}) => ({
	profile: { id: randomInt(1e9), login: "git-hub", name: "Git Hub", email: t.email(), avatar_url: "https://example.com/h.png", ...user },
	emails: emails ?? [{ email: t.email(), primary: true, verified: true }],
});

export default [
	...each("oauth: a new user, then the same again", { google, github }, async (t, person, { provider }) => {
		const who = person(t);
		await signIn(t, provider, who, { start: { newUserCallbackURL: "/welcome" } });
		await t.browser.get("/get-session");
		await signIn(t, provider, who, { start: { newUserCallbackURL: "/welcome" } });
		await t.browser.get("/get-session");
	}),
	...each("oauth: where a new user goes", {
		"newUserCallbackURL, trusted": { newUserCallbackURL: "https://app.example.com/new?a=b" },
		"callbackURL, relative": { callbackURL: "/home?a=b#c" },
		"callbackURL, trusted": { callbackURL: "https://app.example.com/home" },
		"no URL": { callbackURL: undefined },
		"empty URLs": { callbackURL: "", newUserCallbackURL: "" },
	}, (t, start, { provider }) => signIn(t, provider, google(t), { start })),
	...each("oauth: the profile", {
		"google, e-mail in capitals": (t) => google(t, { email: t.email().toUpperCase() }),
		"google, e-mail not verified": (t) => google(t, { email_verified: false }),
		"google, no name": (t) => google(t, { name: undefined }),
		"google, no picture": (t) => google(t, { picture: undefined }),
		"google, no e-mail": (t) => google(t, { email: undefined }),
		"google, no subject": (t) => google(t, { sub: undefined }),
		"github, login for a name": (t) => github(t, { name: null }),
		"github, e-mail kept private": (t) => github(t, { email: null }),
		"github, the primary of two": (t) => github(t, { email: null, emails: [{ email: t.email("second"), primary: false, verified: true }, { email: t.email(), primary: true, verified: true }] }),
		"github, no e-mail": (t) => github(t, { email: null, emails: [] }),
	}, async (t, person, { provider }) => {
		await signIn(t, provider, person(t));
		await t.browser.get("/get-session");
	}),
	{
		name: "oauth: the profile: google, verified as text",
		async run(t, { provider }) {
			await signIn(t, provider, google(t, { email_verified: "true" }));
			const { user } = (await t.browser.get("/get-session", { unrecorded: true })).json;
			t.note("verified", user.emailVerified, { differs: "verified means true" });
		},
	},
	...each("oauth: the profile: github", {
		"primary not verified": (t) => [{ email: t.email(), primary: true, verified: false }],
		"verified, but not the primary": (t) => [{ email: t.email("other"), primary: true, verified: false }, { email: t.email(), primary: false, verified: true }],
	}, (t, emails, { provider }) => signIn(t, provider, github(t, { emails: emails(t) }), { differs: "GitHub's verified primary address" })),
	...each("oauth: the address belongs to somebody who signed up", { "google, verified": google, "google, not verified": (t) => google(t, { email_verified: false }), github }, async (t, person, { provider }) => {
		await t.signUp();
		await t.browser.post("/sign-out", {}, { unrecorded: true });
		await signIn(t, provider, person(t));
		await t.browser.get("/get-session");
		await t.post("/sign-in/email", { email: t.email(), password: "password-1" });
	}),
	{
		name: "oauth: the same verified address at two providers is one user",
		async run(t, { provider }) {
			await signIn(t, provider, google(t));
			const { user } = (await t.browser.get("/get-session", { unrecorded: true })).json;
			await signIn(t, provider, github(t));
			const again = (await t.browser.get("/get-session", { unrecorded: true })).json;
			t.note("one user", again.user.id === user.id);
		},
	},
	{
		name: "oauth: somebody without a password cannot sign in with one",
		async run(t, { provider }) {
			await signIn(t, provider, google(t));
			await t.post("/sign-in/email", { email: t.email(), password: "password-1" });
			await t.post("/sign-up/email", { name: "x", email: t.email(), password: "password-1" });
		},
	},
	{
		name: "oauth: somebody without a password can make one by a reset",
		async run(t, { provider }) {
			await signIn(t, provider, google(t));
			const { token } = await t.resetLink(t.email());
			await t.post("/reset-password", { token, newPassword: "password-2" });
			await t.post("/sign-in/email", { email: t.email(), password: "password-2" });
		},
	},
	...each("oauth: the exchange fails", {
		"google, code refused": [google, "refused"],
		"google, server error": [google, "server error"],
		"google, no id_token": [google, "no id_token"],
		"github, code refused": [github, "refused"],
		"github, server error": [github, "server error"],
	}, async (t, [person, fault], { provider }) => {
		await signIn(t, provider, person(t), { fault });
		await t.browser.get("/get-session");
	}),
	{
		name: "oauth: the exchange fails: google, not JSON",
		run: (t, { provider }) => signIn(t, provider, google(t), { fault: "not JSON", differs: "unreadable token answer" }),
	},
	...each("oauth: id_token", { "of another key": "signature", "of another issuer": "issuer", "for another audience": "audience", expired: "expired", "with another nonce": "nonce" }, (t, fault, { provider }) =>
		signIn(t, provider, google(t), { fault, differs: "id_token verified" }),
	),
	{
		name: "oauth: a code that the provider never issued",
		async run(t) {
			const { state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
			await t.browser.get(`/callback/google?code=x&state=${state}`);
		},
	},
	{
		name: "oauth: the issuer in the callback",
		async run(t, { provider }) {
			await signIn(t, provider, google(t), { back: { iss: "https://accounts.google.com" } });
			await signIn(t, provider, google(t), { back: { iss: "https://evil.example" }, differs: "issuer checked" });
		},
	},
	{
		name: "oauth: the state of one provider at another's callback",
		run: (t, { provider }) => signIn(t, provider, google(t), { callback: "github", differs: "state is bound to its provider" }),
	},
	{
		name: "oauth: an unknown provider's callback",
		run: (t, { provider }) => signIn(t, provider, google(t), { callback: "nope", differs: "state is bound to its provider" }),
	},
	{
		name: "oauth: a code and a state work once",
		async run(t, { provider }) {
			const { url, state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
			const { body } = await send(provider, { method: "POST", path: "/code", body: JSON.stringify({ authorizationURL: url, ...google(t) }) });
			const { code } = JSON.parse(body);
			const { cookie } = t.jar.headers();
			await t.get(`/callback/google?code=${code}&state=${state}`, { headers: { cookie } });
			await t.get(`/callback/google?code=${code}&state=${state}`, { headers: { cookie } });
		},
	},
].map((entry) => ({ ...entry, needsProvider: true }));
