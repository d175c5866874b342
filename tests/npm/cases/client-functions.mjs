// Every function of the unmodified client and its plugins, as a front end calls
// it. Other cases compare the answers to the letter, also where they differ on
// purpose; here it is what the client makes of them: which error, which fields.

import { inferAdditionalFields, magicLinkClient, twoFactorClient } from "better-auth/client/plugins";
import { mailedLink } from "../lib/links.mjs";
import { totp } from "../lib/totp.mjs";

const PASSWORD = "password-1";

/** A page whose client is signed in as somebody new. */
async function page(t, plugins = []) {
	const client = t.client({ unrecorded: true, plugins });
	const email = t.email();
	const see = async (label, call) => {
		const { data, error } = await call;
		t.note(label, { error: error && { status: error.status, code: error.code }, data: shape(data) });
		return data;
	};
	await see("sign up", client.signUp.email({ name: "Client", email, password: PASSWORD }));
	return { client, email, see };
}

/** A value without what is different every time: its texts by their names, its times as times. */
function shape(value) {
	if (value instanceof Date) return "<time>";
	if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? "<text>" : shape(item)));
	if (value && typeof value === "object") {
		// A picture that there is not is null here, and left out there.
		const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
		return Object.fromEntries(fields.map(([name, field]) => [name, typeof field === "string" ? `<${name}>` : shape(field)]));
	}
	return value;
}

const mailedCode = async (t, email) => (await t.mails(email))[0].text.match(/\b\d{6}\b/)[0];

export default [
	{
		name: "client functions: sessions",
		async run(t) {
			const { client, email, see } = await page(t);
			await see("one", client.listSessions());
			await t.post("/sign-in/email", { email, password: PASSWORD }, { unrecorded: true });
			const sessions = await see("two", client.listSessions());
			const { data } = await client.getSession();
			const other = sessions.find((session) => session.id !== data.session.id);
			await see("revoke the other", client.revokeSession({ token: other.token }));
			await see("one is left", client.listSessions());
			await see("revoke what is unknown", client.revokeSession({ token: "unknown" }));
			await t.post("/sign-in/email", { email, password: PASSWORD }, { unrecorded: true });
			await see("revoke others", client.revokeOtherSessions());
			await see("one again", client.listSessions());
			await see("revoke all", client.revokeSessions());
			await see("nobody", client.listSessions());
		},
	},
	{
		name: "client functions: profile and password",
		async run(t) {
			const { client, email, see } = await page(t, [inferAdditionalFields({})]);
			await see("update", client.updateUser({ name: "Another Name", image: "https://example.com/a.png" }));
			t.note("name", (await client.getSession()).data.user.name);
			await see("address", client.updateUser({ email: "x@example.com" }));
			await see("wrong password", client.changePassword({ currentPassword: "not the password", newPassword: "password-2" }));
			await see("too short", client.changePassword({ currentPassword: PASSWORD, newPassword: "short" }));
			await see("change", client.changePassword({ currentPassword: PASSWORD, newPassword: "password-2", revokeOtherSessions: true }));
			await see("verify the old one", client.$fetch("/verify-password", { method: "POST", body: { password: PASSWORD } }));
			await see("verify the new one", client.$fetch("/verify-password", { method: "POST", body: { password: "password-2" } }));
			await see("sign out", client.signOut());
			await see("sign in", client.signIn.email({ email, password: "password-2" }));
		},
	},
	{
		name: "client functions: verification and change of address",
		async run(t) {
			const { client, email, see } = await page(t);
			await see("somebody else's", client.sendVerificationEmail({ email: "else@example.com" }));
			await see("send", client.sendVerificationEmail({ email, callbackURL: "/verified" }));
			const { token } = await mailedLink(t, email);
			await see("verify", client.verifyEmail({ query: { token } }));
			await see("junk", client.verifyEmail({ query: { token: "junk" } }));
			await see("again", client.sendVerificationEmail({ email }));
			const next = t.email("next");
			await see("the same", client.changeEmail({ newEmail: email }));
			await see("change", client.changeEmail({ newEmail: next }));
			await see("consent", client.verifyEmail({ query: { token: (await mailedLink(t, email)).token } }));
			await see("confirm", client.verifyEmail({ query: { token: (await mailedLink(t, next)).token } }));
			t.check((await client.getSession()).data.user.email === next, "the address did not change");
		},
	},
	{
		name: "client functions: accounts",
		async run(t) {
			const { client, see } = await page(t);
			const [account] = await see("list", client.listAccounts());
			await see("the last one", client.unlinkAccount({ accountId: account.id }));
			const started = await see("link", client.linkSocial({ provider: "github", callbackURL: "/linked", disableRedirect: true }));
			t.note("where to", new URL(started.url).searchParams.get("redirect_uri"));
			await see("unknown provider", client.linkSocial({ provider: "discord" }));
			await see("no such token", client.getAccessToken({ accountId: "unknown" }));
			await see("nothing to refresh", client.refreshToken({ accountId: "unknown" }));
			await see("no such profile", client.accountInfo({ query: { accountId: "unknown" } }));
		},
	},
	{
		name: "client functions: a linked provider",
		needsProvider: true,
		async run(t) {
			const client = t.client({ unrecorded: true });
			const see = async (label, call) => {
				const { data, error } = await call;
				t.note(label, { error: error && { status: error.status, code: error.code }, data: shape(data) });
				return data;
			};
			const { data } = await client.signIn.social({ provider: "google", callbackURL: "/home", loginHint: t.email(), disableRedirect: true });
			const callback = new URL((await fetch(data.url, { redirect: "manual" })).headers.get("location"));
			await t.browser.get(callback.pathname.slice(t.target.basePath.length) + callback.search, { unrecorded: true });
			const [{ id }] = await see("list", client.listAccounts());
			const token = await see("token", client.getAccessToken({ accountId: id }));
			t.check(typeof token.accessToken === "string", "there is no access token");
			await see("the last one", client.unlinkAccount({ accountId: id }));
			await see("password", client.$fetch("/verify-password", { method: "POST", body: { password: PASSWORD } }));
		},
	},
	{
		name: "client functions: second factor",
		async run(t) {
			let redirects = 0;
			const { client, email, see } = await page(t, [twoFactorClient({ onTwoFactorRedirect: () => void (redirects += 1) })]);
			const { twoFactor } = client;
			await see("wrong password", twoFactor.enable({ password: "not the password" }));
			const { totpURI } = await see("enable", twoFactor.enable({ password: PASSWORD }));
			const secret = new URL(totpURI).searchParams.get("secret");
			await see("wrong code", twoFactor.verifyTotp({ code: "00000x" }));
			await see("first code", twoFactor.verifyTotp({ code: totp(secret) }));
			const shown = await see("show", twoFactor.getTotpUri({ password: PASSWORD }));
			t.check(new URL(shown.totpURI).searchParams.get("secret") === secret, "another secret is shown");
			const { backupCodes } = await see("new backup codes", twoFactor.generateBackupCodes({ password: PASSWORD }));

			const again = async () => {
				await client.signOut();
				return see("sign in", client.signIn.email({ email, password: PASSWORD }));
			};
			await again();
			await see("next code", twoFactor.verifyTotp({ code: totp(secret, 1) }));
			await again();
			await see("backup code", twoFactor.verifyBackupCode({ code: backupCodes[0] }));
			await again();
			await see("spent backup code", twoFactor.verifyBackupCode({ code: backupCodes[0] }));
			await see("mail a code", twoFactor.sendOtp());
			await see("mailed code", twoFactor.verifyOtp({ code: await mailedCode(t, email) }));
			t.note("redirects", redirects);
			await see("disable", twoFactor.disable({ password: PASSWORD }));
			await again();
		},
	},
	{
		name: "client functions: magic link",
		async run(t) {
			const client = t.client({ unrecorded: true, plugins: [magicLinkClient()] });
			const email = t.email();
			const asked = await client.signIn.magicLink({ email, name: "By Link", callbackURL: "/home" });
			t.note("ask", { error: asked.error, data: asked.data });
			const { token } = await mailedLink(t, email);
			const { data, error } = await client.magicLink.verify({ query: { token } });
			t.note("verify", { error, user: shape(data?.user) });
			const spent = await client.magicLink.verify({ query: { token } });
			t.check(spent.data === null || spent.error, "the link works twice");
			t.check((await client.getSession()).data.user.email === email, "nobody is signed in");
		},
	},
	{
		name: "client functions: deletion",
		async run(t) {
			const { client, email, see } = await page(t);
			await see("wrong password", client.deleteUser({ password: "not the password" }));
			await see("delete", client.deleteUser({ password: PASSWORD }));
			t.note("session", (await client.getSession()).data);
			await see("sign in", client.signIn.email({ email, password: PASSWORD }));
		},
	},
];
