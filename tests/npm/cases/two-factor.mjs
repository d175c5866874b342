// The second factor. A code of the authenticator works once here, so that each
// story uses the current one first, then the next; backup codes do the rest.

import { twoFactorClient } from "better-auth/client/plugins";
import { each, wrongTypes } from "../lib/cases.mjs";
import { totp } from "../lib/totp.mjs";

const WRONG = "00000x";

/** Starts an enrolment; records the answer without its secrets. */
async function start(t, password, fields = {}) {
	const { status, json, cookies } = await t.browser.post("/two-factor/enable", { password, ...fields }, { unrecorded: true });
	const uri = new URL(json.totpURI);
	const secret = uri.searchParams.get("secret");
	const backupCodes = json.backupCodes;
	t.check(/^[A-Z2-7]{32,}$/.test(secret), `the secret is ${secret}`);
	t.check(backupCodes.every((code) => /^[\w]{5}-[\w]{5}$/.test(code)), `the codes are ${backupCodes}`);
	const user = json.totpURI.split("?")[0].replace(encodeURIComponent(t.email()), "<address>");
	const shown = [...uri.searchParams].map(([name, value]) => (name === "secret" ? name : `${name}=${value}`));
	t.note("enable", { status, cookies, user, shown, method: json.method, codes: backupCodes.length });
	return { secret, backupCodes };
}

/** A user with a second factor, whose browser is signed in. */
async function enrol(t) {
	const { password, email } = await t.signUp();
	const factor = await start(t, password);
	const answer = await t.browser.post("/two-factor/verify-totp", { code: totp(factor.secret) }, { unrecorded: true });
	if (answer.status !== 200) throw new Error(`verify-totp answered ${answer.status}: ${answer.body}`);
	return { ...factor, email, password };
}

/** The same, signed in as far as the second factor. */
async function challenge(t) {
	const factor = await enrol(t);
	await signInAgain(t, factor);
	return factor;
}

async function signInAgain(t, { email, password }, fields = {}, options = {}) {
	await t.browser.post("/sign-out", {}, { unrecorded: true });
	await t.browser.post("/sign-in/email", { email, password, ...fields }, options);
}

async function mailedCode(t, email) {
	const [mail] = await t.mails(email);
	return mail.text.match(/\b\d{6}\b/)[0];
}

const verifyTotp = (t, code, options) => t.browser.post("/two-factor/verify-totp", { code }, options);
const verifyBackup = (t, code, options) => t.browser.post("/two-factor/verify-backup-code", { code }, options);
const verifyOtp = (t, code, options) => t.browser.post("/two-factor/verify-otp", { code }, options);

const VERIFY = ["/two-factor/verify-totp", "/two-factor/verify-backup-code", "/two-factor/verify-otp"];
const WITH_PASSWORD = ["/two-factor/enable", "/two-factor/disable", "/two-factor/generate-backup-codes", "/two-factor/get-totp-uri"];

export default [
	{
		name: "two-factor: enrol, sign in, step up, give up",
		async run(t) {
			const { password, email } = await t.signUp();
			const factor = await start(t, password);
			await verifyTotp(t, WRONG);
			await verifyTotp(t, totp(factor.secret));
			await t.browser.get("/get-session");
			await t.browser.post("/two-factor/enable", { password });
			await signInAgain(t, { email, password });
			await t.browser.get("/get-session");
			await verifyTotp(t, WRONG);
			await verifyTotp(t, totp(factor.secret, 1));
			await t.browser.get("/get-session");
			await verifyBackup(t, factor.backupCodes[0]);
			await t.browser.post("/two-factor/disable", { password });
			await t.browser.get("/get-session");
			await t.browser.post("/sign-in/email", { email, password });
		},
	},
	{
		name: "two-factor: an issuer of one's own",
		async run(t) {
			const { password } = await t.signUp();
			await start(t, password, { issuer: "Acme & Söhne: Co", method: "totp" });
			await start(t, password, { issuer: "" });
		},
	},
	{
		name: "two-factor: a code works once",
		async run(t) {
			const { secret, ...factor } = await challenge(t);
			const code = totp(secret, 1);
			await verifyTotp(t, code);
			await signInAgain(t, factor);
			await verifyTotp(t, code, { differs: "a code works once" });
		},
	},
	{
		name: "two-factor: not remembered",
		async run(t) {
			const { secret, ...factor } = await enrol(t);
			await signInAgain(t, factor, { rememberMe: false }, { differs: "remembering waits too" });
			await verifyTotp(t, totp(secret, 1));
			await t.browser.get("/get-session", { only: ["status", "body"] });
		},
	},
	{
		name: "two-factor: backup codes",
		async run(t) {
			const { backupCodes, ...factor } = await challenge(t);
			await verifyBackup(t, "zzzzz-zzzzz");
			await verifyBackup(t, backupCodes[0]);
			await signInAgain(t, factor);
			await verifyBackup(t, backupCodes[0]);
			await verifyBackup(t, backupCodes[1]);
			await signInAgain(t, factor);
			await verifyBackup(t, backupCodes[2].toUpperCase().replace("-", " "), { differs: "backup codes as people type them" });
		},
	},
	{
		name: "two-factor: a backup code for its answer alone",
		async run(t) {
			const { backupCodes } = await challenge(t);
			await t.browser.post("/two-factor/verify-backup-code", { code: backupCodes[0], disableSession: true });
			await t.browser.get("/get-session", { only: ["status", "body"] });
		},
	},
	{
		name: "two-factor: new backup codes",
		async run(t) {
			const { backupCodes, password, ...factor } = await enrol(t);
			const { status, json } = await t.browser.post("/two-factor/generate-backup-codes", { password }, { unrecorded: true });
			t.note("generated", [status, json.status, json.backupCodes.length]);
			await signInAgain(t, { password, ...factor });
			await verifyBackup(t, backupCodes[0]);
			await verifyBackup(t, json.backupCodes[0]);
		},
	},
	{
		name: "two-factor: the secret again",
		async run(t) {
			const { secret, password } = await enrol(t);
			t.mask.secret(secret, "<secret>");
			await t.browser.post("/two-factor/get-totp-uri", { password });
			await t.browser.post("/two-factor/get-totp-uri", { password: "wrong password" });
		},
	},
	{
		name: "two-factor: mailed codes",
		async run(t) {
			const { email, ...factor } = await challenge(t);
			await verifyOtp(t, "123456");
			await t.browser.post("/two-factor/send-otp", {});
			await verifyOtp(t, WRONG);
			const code = await mailedCode(t, email);
			await verifyOtp(t, code);
			await t.browser.get("/get-session");
			await verifyOtp(t, code);
			await signInAgain(t, { email, ...factor });
			await t.browser.post("/two-factor/send-otp", undefined);
			await verifyOtp(t, code === (await mailedCode(t, email)) ? WRONG : code);
			await verifyOtp(t, await mailedCode(t, email));
		},
	},
	{
		name: "two-factor: a mailed code of somebody signed in",
		async run(t) {
			const { email } = await enrol(t);
			await t.browser.post("/two-factor/send-otp", {});
			await verifyOtp(t, await mailedCode(t, email));
		},
	},
	{
		name: "two-factor: mail is no second factor of its own",
		async run(t) {
			const { password } = await t.signUp();
			await t.browser.post("/two-factor/enable", { password, method: "otp" }, { differs: "mail is no second factor" });
		},
	},
	{
		name: "two-factor: no mailed codes without a second factor",
		async run(t) {
			await t.signUp();
			await t.browser.post("/two-factor/send-otp", {}, { differs: "no mailed code without a second factor" });
		},
	},
	{
		name: "two-factor: five codes a sign-in",
		async run(t) {
			await challenge(t);
			for (let attempt = 0; attempt < 3; attempt++) await verifyTotp(t, WRONG);
			for (let attempt = 0; attempt < 2; attempt++) await verifyBackup(t, WRONG);
			await verifyTotp(t, WRONG);
			await verifyTotp(t, WRONG);
		},
	},
	{
		name: "two-factor: ten failures lock the account",
		async run(t) {
			const factor = await challenge(t);
			for (let attempt = 0; attempt < 5; attempt++) await verifyTotp(t, WRONG);
			await signInAgain(t, factor);
			for (let attempt = 0; attempt < 5; attempt++) await verifyBackup(t, WRONG);
			await signInAgain(t, factor);
			await verifyTotp(t, totp(factor.secret, 1));
			await verifyBackup(t, factor.backupCodes[0]);
		},
	},
	{
		name: "two-factor: a trusted device",
		async run(t) {
			const { secret, ...factor } = await challenge(t);
			await t.browser.post("/two-factor/verify-totp", { code: totp(secret, 1), trustDevice: true }, { differs: "the cookie about remembering stays" });
			await signInAgain(t, factor);
			await t.browser.get("/get-session", { only: ["status", "body"] });
			await t.browser.post("/two-factor/disable", { password: factor.password });
		},
	},
	{
		name: "two-factor: give up what one has not",
		async run(t) {
			const { password } = await t.signUp();
			await t.browser.post("/two-factor/disable", { password });
			await t.browser.post("/two-factor/generate-backup-codes", { password });
			await t.browser.post("/two-factor/get-totp-uri", { password });
			await verifyTotp(t, "123456");
			await verifyBackup(t, "abcde-fghij");
		},
	},
	...each("two-factor: nobody at", Object.fromEntries([...VERIFY, ...WITH_PASSWORD, "/two-factor/send-otp"].map((path) => [path, path])), async (t, path) => {
		await t.post(path, { code: "123456", password: "password-1" });
		await t.post(path, {});
		await t.post(path, { code: "123456", password: "password-1" }, { headers: { cookie: "better-auth.two_factor=x.y", origin: t.origin } });
	}),
	...each("two-factor: wrong password at", Object.fromEntries(WITH_PASSWORD.slice(0, 2).map((path) => [path, path])), async (t, path) => {
		await t.signUp();
		await t.browser.post(path, { password: "wrong password" });
		await t.browser.post(path, { password: "" });
		await t.browser.post(path, { password: "x".repeat(129) });
	}),
	...each("two-factor: invalid enable", { ...wrongTypes(["password", "issuer"], [null, 1, true, [], {}]), ...wrongTypes(["method"], [null, 1, "", "sms", []]) }, async (t, fields) => {
		const { password } = await t.signUp();
		await t.browser.post("/two-factor/enable", { password, ...fields });
	}),
	...each("two-factor: invalid code", { ...wrongTypes(["code"], [undefined, null, 123456, true, [], {}]), ...wrongTypes(["trustDevice", "disableSession"], [null, 1, "true", []]) }, async (t, fields) => {
		await t.signUp();
		for (const path of VERIFY) if (!("disableSession" in fields) || path.includes("backup")) await t.browser.post(path, { code: "x", ...fields }, { only: "code" in fields || path.includes("totp") || path.includes("backup") ? undefined : ["status"] });
	}),
	{
		name: "client: second factor",
		async run(t) {
			let redirected = false;
			const client = t.client({ plugins: [twoFactorClient({ onTwoFactorRedirect: () => void (redirected = true) })] });
			const { email, password } = await t.signUp();
			const enabled = await t.browser.post("/two-factor/enable", { password }, { unrecorded: true });
			const secret = new URL(enabled.json.totpURI).searchParams.get("secret");
			t.note("enable", { error: (await client.twoFactor.verifyTotp({ code: totp(secret) })).error });
			await client.signOut();
			const { data, error } = await client.signIn.email({ email, password });
			t.note("sign-in", { data, error, redirected });
			const verified = await client.twoFactor.verifyTotp({ code: totp(secret, 1) });
			t.note("verify", { error: verified.error, email: verified.data.user.email });
			t.note("session", (await client.getSession()).data.user.twoFactorEnabled);
			t.note("step-up", (await client.twoFactor.verifyBackupCode({ code: enabled.json.backupCodes[0] })).error);
			t.note("disable", await client.twoFactor.disable({ password }));
			t.note("wrong", await client.twoFactor.verifyTotp({ code: WRONG }));
		},
	},
];
