// Sign-in with an id token that an app has of Google, as idp.mjs plays it.

import { randomInt } from "node:crypto";
import { send } from "../lib/http.mjs";
import { each } from "../lib/cases.mjs";

const PATH = "/sign-in/social";
const somebody = (t, claims) => ({ sub: String(randomInt(1e12)), email: t.email(), email_verified: true, name: "Goo Gle", picture: "https://example.com/g.png", ...claims });

/** A token that the stand-in issues for somebody. */
async function issue(provider, profile, { nonce, fault } = {}) {
	const { body } = await send(provider, { method: "POST", path: "/id-token", body: JSON.stringify({ profile, nonce, fault }) });
	return JSON.parse(body).token;
}

const present = (t, idToken, { fields, ...options } = {}) => t.browser.post(PATH, { provider: "google", idToken, ...fields }, options);

export default [
	{
		name: "id token: a new user, then the same again",
		async run(t, { provider }) {
			const profile = somebody(t);
			for (const nonce of ["1", "2"]) {
				await present(t, { token: await issue(provider, profile, { nonce }), nonce });
				await t.browser.get("/get-session");
			}
		},
	},
	...each("id token: the nonce", {
		"right": ["n", "n"],
		"not named": ["n", undefined],
		"neither": [undefined, undefined],
		"named as empty": ["n", ""],
		"wrong": ["n", "m"],
		"missing": [undefined, "n"],
	}, async (t, [asked, nonce], { provider }) => present(t, { token: await issue(provider, somebody(t), { nonce: asked }), nonce })),
	...each("id token: refused", { "wrong signature": "signature", "another audience": "audience", "another issuer": "issuer", expired: "expired" }, async (t, fault, { provider }) =>
		present(t, { token: await issue(provider, somebody(t), { fault }) }),
	),
	...each("id token: the profile", {
		"e-mail in capitals": (t) => ({ email: t.email().toUpperCase() }),
		"e-mail not verified": () => ({ email_verified: false }),
		"no name": () => ({ name: undefined }),
		"no picture": () => ({ picture: undefined }),
		"no e-mail": () => ({ email: undefined }),
		"no subject": () => ({ sub: undefined }),
	}, async (t, claims, { provider }) => {
		await present(t, { token: await issue(provider, somebody(t, claims(t))) });
		await t.browser.get("/get-session");
	}),
	{
		name: "id token: the address of a user with a password",
		async run(t, { provider }) {
			const { email } = await t.signUp();
			await present(t, { token: await issue(provider, somebody(t, { email })) });
		},
	},
	...each("id token: with other fields", {
		"redirect targets": { callbackURL: "/home", newUserCallbackURL: "/new", errorCallbackURL: "/oops" },
		disableRedirect: { disableRedirect: true },
		scopes: { scopes: ["x"], loginHint: "me@example.com" },
	}, async (t, fields, { provider }) => present(t, { token: await issue(provider, somebody(t)) }, { fields })),
	{
		name: "id token: with other tokens",
		async run(t, { provider }) {
			const token = await issue(provider, somebody(t));
			await present(t, { token, accessToken: "a", refreshToken: "r", expiresAt: 1, user: { name: { firstName: "F", lastName: "L" }, email: "other@example.com" } });
		},
	},
	{
		name: "id token: twice",
		async run(t, { provider }) {
			const token = await issue(provider, somebody(t));
			await present(t, { token });
			await present(t, { token }, { differs: "id_token works once" });
		},
	},
].map((entry) => ({ ...entry, needsProvider: true }));
