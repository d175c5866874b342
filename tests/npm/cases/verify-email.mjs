import { each, wrongTypes } from "../lib/cases.mjs";
import { mailedLink, verifyAddress } from "../lib/links.mjs";

const SEND = "/send-verification-email";
const VERIFY = "/verify-email";
const q = encodeURIComponent;

export default [
	...each("verification request: signed out", {
		unverified: (t) => ({ email: t.known.email }),
		"in capitals": (t) => ({ email: t.known.email.toUpperCase() }),
		unknown: () => ({ email: "nobody@example.com" }),
		"with callbackURL": () => ({ email: "nobody@example.com", callbackURL: "/welcome" }),
		"callbackURL elsewhere": () => ({ email: "nobody@example.com", callbackURL: "https://evil.example/" }),
		"bad address": () => ({ email: "bad" }),
		"bad address, callbackURL elsewhere": () => ({ email: "bad", callbackURL: "//evil.example" }),
		"no address": () => ({}),
		"unknown fields": () => ({ email: "nobody@example.com", userId: "x" }),
	}, (t, body) => t.post(SEND, body(t))),
	...each("verification request: invalid", { ...wrongTypes(["email"], [undefined, null, 1, true, [], {}]), ...wrongTypes(["callbackURL"], [null, 1, [], {}]) }, (t, fields) =>
		t.post(SEND, { email: "nobody@example.com", ...fields }),
	),
	{
		name: "verification request: from an origin that is not trusted",
		async run(t) {
			await t.post(SEND, { email: "nobody@example.com" }, { headers: { origin: "https://evil.example" }, differs: "verification request from elsewhere" });
			await t.post(SEND, { email: "nobody@example.com" }, { headers: { origin: "https://evil.example", cookie: "a=b" } });
		},
	},
	{
		name: "verification request: signed in",
		async run(t) {
			const { email } = await t.signUp();
			await t.browser.post(SEND, { email: "nobody@example.com" });
			await t.browser.post(SEND, { email: email.toUpperCase() });
			t.note("mails", (await t.mails(email)).length);
			await verifyAddress(t, email);
			await t.browser.post(SEND, { email });
			await t.browser.post(SEND, { email: "nobody@example.com" });
			await t.post(SEND, { email });
			t.note("mails", (await t.mails(email)).length);
		},
	},
	...each("verification link", {
		"without callbackURL": undefined,
		relative: "/welcome?a=1#b",
		"on a trusted origin": "https://app.example.com/in?x=%2F",
	}, async (t, callbackURL) => {
		const { email, password } = await t.signUp();
		await t.browser.post(SEND, { email, callbackURL });
		const { path, link, mail } = await mailedLink(t, email);
		t.note("link", link.href);
		t.note("recipient", [mail.to].flat().includes(email));
		await t.browser.get(path);
		await t.browser.get("/get-session");
		await t.browser.get(path);
		await t.get(path);
		await t.post("/sign-in/email", { email, password });
	}),
	{
		name: "verification link: for JSON",
		async run(t) {
			const { email } = await t.signUp();
			await t.browser.post(SEND, { email });
			const { token } = await mailedLink(t, email);
			await t.browser.get(`${VERIFY}?token=${token}&callbackURL=${q("https://evil.example/")}`);
			await t.browser.get(`${VERIFY}?token=${token}&callbackURL=`);
			await t.browser.get(`${VERIFY}?token=${token}`);
			await t.get(`${VERIFY}?token=${token}`);
		},
	},
	{
		name: "verification link: in another browser, for JSON",
		async run(t) {
			const { email } = await t.signUp();
			await t.browser.post(SEND, { email });
			const { token } = await mailedLink(t, email);
			await t.get(`${VERIFY}?token=${token}`);
			await t.browser.get("/get-session", { differs: "verified in another browser: session" });
		},
	},
	{
		name: "verification link: in another browser, with a callbackURL",
		async run(t) {
			const { email, password } = await t.signUp();
			await t.browser.post(SEND, { email, callbackURL: "/in" });
			const { path } = await mailedLink(t, email);
			await t.get(path, { differs: "verified in another browser: password" });
			await t.post("/sign-in/email", { email, password }, { differs: "verified in another browser: sign-in" });
		},
	},
	...each("verification link: bad", {
		"no token": "",
		"empty token": "?token=",
		"unknown token": "?token=unknown",
		"unknown token, callbackURL": `?token=unknown&callbackURL=${q("/p?a=1#b")}`,
		"unknown token, trusted origin": `?token=unknown&callbackURL=${q("https://app.example.com/p")}`,
		"unknown token, elsewhere": `?token=unknown&callbackURL=${q("https://evil.example/")}`,
		"unknown token, empty callbackURL": "?token=unknown&callbackURL=",
		"no token, callbackURL": "?callbackURL=%2Fa",
		"long token": `?token=${"x".repeat(3000)}`,
		"token with NUL": "?token=a%00",
		"token twice": "?token=a&token=b",
		"callbackURL twice": "?token=a&callbackURL=%2Fa&callbackURL=%2Fb",
	}, (t, query) => t.get(VERIFY + query)),
];
