// The unmodified client: its requests are recorded as any others, and what it
// makes of the answers is compared as well.

import { createAuthClient } from "better-auth/client";
import { jwtClient } from "better-auth/client/plugins";
import { SIGNED } from "../lib/mask.mjs";

export default [
	{
		name: "client: sign up, session, sign out, sign in",
		async run(t) {
			const client = t.client();
			const email = t.email();
			t.note("sign-up", outcome(await client.signUp.email({ name: "Client", email, password: "password-1", image: "https://example.com/me.png" })));
			t.note("session", session(await client.getSession()));
			t.note("sign-out", outcome(await client.signOut()));
			t.note("no session", session(await client.getSession()));
			t.note("sign-in", outcome(await client.signIn.email({ email, password: "password-1", rememberMe: false })));
			t.note("session again", session(await client.getSession({ query: { disableCookieCache: true } })));
			t.note("sign-out with options", outcome(await client.signOut({ fetchOptions: { headers: { "x-custom": "1" } } })));
		},
	},
	{
		name: "client: errors",
		async run(t) {
			const client = t.client();
			t.note("taken", await client.signUp.email({ name: "x", email: t.known.email, password: "password-1" }));
			t.note("short", await client.signUp.email({ name: "x", email: t.email(), password: "short" }));
			t.note("bad address", await client.signUp.email({ name: "x", email: "bad", password: "password-1" }));
			t.note("wrong password", await client.signIn.email({ email: t.known.email, password: "wrong password" }));
			t.note("evil callbackURL", await client.signIn.email({ ...t.known, callbackURL: "https://evil.example" }));
			t.note("unknown provider", await client.signIn.social({ provider: "discord" }));
			t.note("bad reset token", await client.resetPassword({ token: "x", newPassword: "password-1" }));
			t.note("no session", await client.$fetch("/token"));
			t.note("thrown", await client.signIn.email({ email: t.known.email, password: "x" }, { throw: true }).catch((error) => ({ status: error.status, error: error.error })));
		},
	},
	{
		name: "client: hooks",
		async run(t) {
			const seen = [];
			const client = t.client();
			const hooks = { onRequest: () => void seen.push("request"), onSuccess: ({ data }) => void seen.push(`success ${data.user.name}`), onError: ({ error }) => void seen.push(`error ${error.status} ${error.code}`) };
			await client.signIn.email({ email: t.known.email, password: t.known.password }, hooks);
			await client.signIn.email({ email: t.known.email, password: "wrong password" }, hooks);
			t.note("hooks", seen);
		},
	},
	{
		name: "client: reset",
		async run(t) {
			const client = t.client();
			const { email } = await t.signUp();
			t.note("request", outcome(await client.requestPasswordReset({ email, redirectTo: "/reset-page" })));
			const [mail] = await t.mails(email);
			const link = new URL(mail.links[0]);
			t.mask.secret(link.pathname.split("/").pop(), "<reset token>");
			const answer = await t.get(link.pathname.slice(t.target.basePath.length) + link.search);
			const token = new URL(answer.headers.location).searchParams.get("token");
			t.note("reset", outcome(await client.resetPassword({ token, newPassword: "password-2" })));
			t.note("sign-in", outcome(await client.signIn.email({ email, password: "password-2" })));
		},
	},
	{
		name: "client: social sign-in",
		async run(t) {
			const client = t.client();
			const { data, error } = await client.signIn.social({ provider: "google", callbackURL: "/home", errorCallbackURL: "/oops", disableRedirect: true });
			t.note("error", error);
			t.note("redirect", data.redirect);
			t.note("URL", new URL(data.url).searchParams.get("redirect_uri"));
		},
	},
	{
		name: "client: jwt plugin",
		async run(t) {
			const client = t.client({ plugins: [jwtClient()] });
			await t.signIn();
			const { data } = await client.$fetch("/token");
			t.note("token", data);
			let header;
			await client.getSession({ fetchOptions: { onSuccess: ({ response }) => void (header = response.headers.get("set-auth-jwt")) } });
			t.note("set-auth-jwt", header?.split(".").length);
		},
	},
	{
		name: "client: bearer instead of cookies, as the bearer plugin's manual has it",
		async run(t) {
			let token = "";
			const client = createAuthClient({
				baseURL: t.origin,
				fetchOptions: {
					customFetchImpl: t.fetchWithoutCookies,
					auth: { type: "Bearer", token: () => token },
					onSuccess: ({ response }) => void (token = response.headers.get("set-auth-token") ?? token),
				},
			});
			t.note("sign-in", outcome(await client.signIn.email({ email: t.known.email, password: t.known.password })));
			t.check(SIGNED.test(token), `set-auth-token is ${token}`);
			t.note("session", session(await client.getSession()));
			t.note("sign-out", outcome(await client.signOut()));
			t.note("no session", session(await client.getSession()));
		},
	},
];

// `token` of an answer is the service's own (differences.mjs); the rest is compared.
function outcome({ data, error }) {
	return { error, data: data?.token ? { ...data, token: "<some token>", user: user(data.user) } : data };
}

function session({ data, error }) {
	return { error, data: data && { session: { ...data.session, token: "<some token>" }, user: user(data.user) } };
}

function user(fields) {
	return { ...fields, image: fields.image ?? null };
}
