import { each, wrongTypes } from "../lib/cases.mjs";
import { mailedLink, verifyAddress } from "../lib/links.mjs";

const CHANGE = "/change-email";
const VERIFY = "/verify-email";

export default [
	...each("change-email: signed out", { good: { newEmail: "new@example.com" }, bad: { newEmail: "bad" }, empty: {} }, (t, body) => t.post(CHANGE, body)),
	...each("change-email: invalid", { ...wrongTypes(["newEmail"], [undefined, null, 1, [], {}, "bad"]), ...wrongTypes(["callbackURL"], [null, 1, [], {}]), "callbackURL elsewhere": { callbackURL: "//evil.example" } }, async (t, fields) => {
		await t.signUp();
		await t.browser.post(CHANGE, { newEmail: t.email("new"), ...fields });
	}),
	{
		name: "change-email: the same, and somebody's",
		async run(t) {
			const { email } = await t.signUp();
			await t.browser.post(CHANGE, { newEmail: email });
			await t.browser.post(CHANGE, { newEmail: email.toUpperCase() });
			await t.browser.post(CHANGE, { newEmail: t.known.email });
			t.note("mails", (await t.mails(email)).length);
		},
	},
	{
		name: "change-email: somebody's, of a verified user",
		async run(t) {
			const { email } = await t.signUp();
			await verifyAddress(t, email);
			const before = (await t.mails(email)).length;
			await t.browser.post(CHANGE, { newEmail: t.known.email });
			t.note("mails", (await t.mails(email)).length - before, { differs: "a taken address does not show" });
		},
	},
	...each("change-email: unverified", { "for JSON": undefined, "with a callbackURL": "/settings?a=1#b" }, async (t, callbackURL) => {
		const { email, password } = await t.signUp();
		const newEmail = t.email("new");
		await t.browser.post(CHANGE, { newEmail: newEmail.toUpperCase(), callbackURL });
		t.note("mails to the old address", (await t.mails(email)).length);
		const { path, token, link } = await mailedLink(t, newEmail);
		t.note("link", link.href);
		await t.browser.get("/get-session");
		await t.browser.get(callbackURL ? path : `${VERIFY}?token=${token}`);
		await t.browser.get("/get-session");
		await t.browser.get(callbackURL ? path : `${VERIFY}?token=${token}`);
		await t.post("/sign-in/email", { email, password });
		await t.post("/sign-in/email", { email: newEmail, password });
	}),
	...each("change-email: verified", { "for JSON": undefined, "with a callbackURL": "/settings" }, async (t, callbackURL) => {
		const { email } = await t.signUp();
		await verifyAddress(t, email);
		const newEmail = t.email("new");
		await t.browser.post(CHANGE, { newEmail, callbackURL });
		t.note("mails to the new address", (await t.mails(newEmail)).length);
		const consent = await mailedLink(t, email, "<consent token>");
		t.note("consent link", consent.link.href);
		await t.browser.get(callbackURL ? consent.path : `${VERIFY}?token=${consent.token}`);
		const change = await mailedLink(t, newEmail, "<change token>");
		if (callbackURL) t.note("change link", change.link.href);
		await t.browser.get("/get-session");
		await t.browser.get(callbackURL ? change.path : `${VERIFY}?token=${change.token}`);
		await t.browser.get("/get-session");
		await t.browser.get(callbackURL ? change.path : `${VERIFY}?token=${change.token}`);
	}),
	{
		name: "change-email: consent twice",
		async run(t) {
			const { email } = await t.signUp();
			await verifyAddress(t, email);
			await t.browser.post(CHANGE, { newEmail: t.email("new") });
			const { token } = await mailedLink(t, email);
			await t.browser.get(`${VERIFY}?token=${token}`);
			await t.browser.get(`${VERIFY}?token=${token}`, { differs: "consent given once" });
		},
	},
	{
		name: "change-email: followed by somebody else, and by nobody",
		async run(t) {
			await t.signUp();
			const newEmail = t.email("new");
			await t.browser.post(CHANGE, { newEmail });
			const { token } = await mailedLink(t, newEmail);
			await t.signUp({ email: t.email("other") });
			await t.browser.get(`${VERIFY}?token=${token}`);
			await t.browser.get(`${VERIFY}?token=${token}&callbackURL=%2Fp`);
			await t.get(`${VERIFY}?token=${token}`, { differs: "a change is its user's to make" });
		},
	},
	{
		name: "change-email: consent by nobody",
		async run(t) {
			const { email } = await t.signUp();
			await verifyAddress(t, email);
			await t.browser.post(CHANGE, { newEmail: t.email("new") });
			const { token } = await mailedLink(t, email);
			await t.get(`${VERIFY}?token=${token}`, { differs: "a change is its user's to make" });
		},
	},
	{
		name: "change-email: sessions end but for the one that follows the link",
		async run(t) {
			const { email, password } = await t.signUp();
			const newEmail = t.email("new");
			await t.browser.post(CHANGE, { newEmail });
			const { token } = await mailedLink(t, newEmail);
			const { cookie } = t.session;
			await t.signIn({ email, password });
			await t.browser.get(`${VERIFY}?token=${token}`);
			await t.browser.get("/get-session");
			await t.get("/get-session", { headers: { cookie }, differs: "sessions end with a change of address" });
		},
	},
	{
		name: "change-email: a later request",
		async run(t) {
			await t.signUp();
			await t.browser.post(CHANGE, { newEmail: t.email("first") });
			await t.browser.post(CHANGE, { newEmail: t.email("second") });
			const { token } = await mailedLink(t, t.email("first"));
			await t.browser.get(`${VERIFY}?token=${token}`, { differs: "the last change of address counts" });
		},
	},
];
