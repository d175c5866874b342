import { each, wrongTypes } from "../lib/cases.mjs";

const REQUEST = "/request-password-reset";
const RESET = "/reset-password";
const q = encodeURIComponent;

export default [
	...each("reset request", {
		known: (t) => ({ email: t.known.email, redirectTo: "/reset" }),
		"known, in capitals": (t) => ({ email: t.known.email.toUpperCase() }),
		unknown: () => ({ email: "nobody@example.com", redirectTo: "/reset" }),
		"unknown, no redirectTo": () => ({ email: "nobody@example.com" }),
		"empty redirectTo": () => ({ email: "nobody@example.com", redirectTo: "" }),
		"redirectTo on a trusted origin": () => ({ email: "nobody@example.com", redirectTo: "https://app.example.com/reset?x=1#y" }),
		"redirectTo elsewhere": () => ({ email: "nobody@example.com", redirectTo: "https://evil.example/" }),
		"redirectTo elsewhere, bad address": () => ({ email: "bad", redirectTo: "//evil.example" }),
		"bad address": () => ({ email: "bad" }),
		"no address": () => ({ redirectTo: "/reset" }),
		"callbackURL elsewhere": () => ({ email: "nobody@example.com", callbackURL: "https://evil.example/" }),
		"unknown fields": () => ({ email: "nobody@example.com", userId: "x", token: "y" }),
	}, (t, body) => t.post(REQUEST, body(t))),
	...each("reset request: invalid", { ...wrongTypes(["email"], [undefined, null, 1, true, [], {}, ["a@ex.com"]]), ...wrongTypes(["redirectTo"], [null, 1, true, [], {}, ["/a"]]) }, (t, fields) =>
		t.post(REQUEST, { email: "nobody@example.com", ...fields }),
	),
	{
		name: "reset request: from an origin that is not trusted",
		async run(t) {
			await t.post(REQUEST, { email: "nobody@example.com" }, { headers: { origin: "https://evil.example" }, differs: "reset request from elsewhere" });
			await t.post(REQUEST, { email: "nobody@example.com" }, { headers: { origin: "https://evil.example", cookie: "a=b" } });
		},
	},
	...each("reset mail: link for redirectTo", { relative: "/reset?a=1&b=%20#c", "trusted origin": "https://app.example.com/reset?a=b" }, async (t, redirectTo) => {
		await t.signUp();
		const { link, mail } = await t.resetLink(t.email(), { redirectTo });
		t.note("link", link.href);
		t.note("recipient", [mail.to].flat().includes(t.email()));
	}),
	{
		name: "reset mail: link without redirectTo",
		async run(t) {
			await t.signUp();
			const { link } = await t.resetLink(t.email(), {});
			t.note("where the link leads", link.searchParams.get("callbackURL"), { differs: "reset page" });
		},
	},
	{
		name: "reset mail: none to strangers and for refused requests",
		async run(t) {
			await t.post(REQUEST, { email: t.email() });
			t.note("mails", (await t.mails(t.email())).length);
			await t.signUp();
			await t.post(REQUEST, { email: t.email(), redirectTo: "https://evil.example" });
			t.note("mails", (await t.mails(t.email())).length);
		},
	},
	...each("reset link", {
		relative: (token) => `${token}?callbackURL=${q("/reset")}`,
		"with a query and a fragment": (token) => `${token}?callbackURL=${q("/reset?a=1&token=old#part")}`,
		"on a trusted origin": (token) => `${token}?callbackURL=${q("https://app.example.com/r?b=2")}`,
		"on a trusted origin, no path": (token) => `${token}?callbackURL=${q("https://app.example.com")}`,
		"by pattern": (token) => `${token}?callbackURL=${q("https://a.preview.example.com/r")}`,
		"on this origin": (token, t) => `${token}?callbackURL=${q(`${t.origin}/r`)}`,
		"dot segments": (token) => `${token}?callbackURL=${q("/a/../b/./c")}`,
		"not ASCII": (token) => `${token}?callbackURL=${q("/é ü?ö=ß")}`,
		"encoded query": (token) => `${token}?callbackURL=${q("/r?next=%2Fa%3Fb%3Dc")}`,
		"callbackURL not encoded": (token) => `${token}?callbackURL=/reset&a=b`,
		"no callbackURL": (token) => token,
		"empty callbackURL": (token) => `${token}?callbackURL=`,
		"callbackURL twice": (token) => `${token}?callbackURL=%2Fa&callbackURL=%2Fb`,
		"no leading slash": (token) => `${token}?callbackURL=reset`,
		"elsewhere": (token) => `${token}?callbackURL=${q("https://evil.example/")}`,
		"elsewhere, protocol-relative": (token) => `${token}?callbackURL=${q("//evil.example/")}`,
		"unknown token": () => `unknown?callbackURL=${q("/reset")}`,
		"unknown token, trusted origin": () => `unknown?callbackURL=${q("https://app.example.com/r?z=1#f")}`,
		"unknown token, no callbackURL": () => "unknown",
		"unknown token, empty callbackURL": () => "unknown?callbackURL=",
		"token in capitals": (token) => `${token.toUpperCase()}x?callbackURL=${q("/reset")}`,
		"token of spaces": () => `%20?callbackURL=${q("/reset")}`,
		"token with a slash": () => `a%2Fb?callbackURL=${q("/reset")}`,
		"token with NUL": () => `a%00?callbackURL=${q("/reset")}`,
		"long token": () => `${"x".repeat(3000)}?callbackURL=${q("/reset")}`,
		"a parameter called token": (token) => `${token}?callbackURL=${q("/reset")}&token=mine&error=mine`,
	}, async (t, path) => {
		await t.signUp();
		const { token } = await t.resetLink(t.email());
		await t.get(`${RESET}/${path(token, t)}`);
	}),
	{
		name: "reset link: opening it twice does not use it up",
		async run(t) {
			await t.signUp();
			const { token, link } = await t.resetLink(t.email());
			await t.get(link.pathname.slice(t.target.basePath.length) + link.search);
			await t.get(link.pathname.slice(t.target.basePath.length) + link.search);
			await t.post(RESET, { token, newPassword: "password-2" });
			await t.get(link.pathname.slice(t.target.basePath.length) + link.search);
		},
	},
	{
		name: "reset: the new password counts, the old one no more",
		async run(t) {
			const { email, password } = await t.signUp();
			const { token } = await t.resetLink(email);
			await t.post(RESET, { token, newPassword: "password-2" });
			await t.post("/sign-in/email", { email, password });
			await t.post("/sign-in/email", { email, password: "password-2" });
			await t.post(RESET, { token, newPassword: "password-3" });
			await t.post("/sign-in/email", { email, password: "password-2" });
		},
	},
	{
		name: "reset: the token in the query",
		async run(t) {
			const { email } = await t.signUp();
			const { token } = await t.resetLink(email);
			await t.post(`${RESET}?token=${token}`, { newPassword: "password-2", token: "unknown" });
			await t.post(`${RESET}?token=unknown`, { newPassword: "password-2" });
			await t.post(`${RESET}?token=${token}`, { newPassword: "password-2" });
			await t.post("/sign-in/email", { email, password: "password-2" });
		},
	},
	{
		name: "reset: the token in the body counts before the one in the query",
		async run(t) {
			const { email } = await t.signUp();
			const { token } = await t.resetLink(email);
			await t.post(`${RESET}?token=unknown`, { newPassword: "password-2", token });
		},
	},
	{
		name: "reset: a refused password does not use up the token",
		async run(t) {
			const { email } = await t.signUp();
			const { token } = await t.resetLink(email);
			await t.post(RESET, { token, newPassword: "short" });
			await t.post(RESET, { token, newPassword: "" });
			await t.post(RESET, { token, newPassword: "x".repeat(129) });
			await t.post(RESET, { token, newPassword: 5 });
			await t.post(RESET, { token, newPassword: "x".repeat(128) });
		},
	},
	{
		name: "reset: sessions",
		async run(t) {
			const { email } = await t.signUp();
			const { token } = await t.resetLink(email);
			await t.post(RESET, { token, newPassword: "password-2" });
			await t.browser.get("/get-session", { differs: "sessions end with a reset" });
		},
	},
	{
		name: "reset: an older token",
		async run(t) {
			const { email } = await t.signUp();
			const older = await t.resetLink(email);
			const newer = await t.resetLink(email);
			await t.post(RESET, { token: newer.token, newPassword: "password-2" });
			await t.post(RESET, { token: older.token, newPassword: "password-3" }, { differs: "one reset ends all" });
		},
	},
	{
		name: "reset: an older token before a newer one",
		async run(t) {
			const { email } = await t.signUp();
			const older = await t.resetLink(email);
			await t.resetLink(email);
			await t.post(RESET, { token: older.token, newPassword: "password-3" });
		},
	},
	...each("reset: refused", {
		"nothing given": {},
		"no token": { newPassword: "password-2" },
		"empty token": { newPassword: "password-2", token: "" },
		"unknown token": { newPassword: "password-2", token: "unknown" },
		"long token": { newPassword: "password-2", token: "x".repeat(4000) },
		"token with NUL": { newPassword: "password-2", token: "a\u0000" },
		"unknown token, short password": { newPassword: "short", token: "unknown" },
		"unknown token, long password": { newPassword: "x".repeat(129), token: "unknown" },
		"no token, short password": { newPassword: "short" },
		...wrongTypes(["newPassword", "token"], [null, 1, true, [], {}]),
		"everything wrong": { newPassword: 1, token: 2 },
	}, (t, body) => t.post(RESET, "newPassword" in body || !("token" in body) ? body : { newPassword: "password-2", ...body })),
	{ name: "reset: token twice in the query", run: (t) => t.post(`${RESET}?token=a&token=b`, { newPassword: "password-2" }) },
	{ name: "reset: origin", run: (t) => t.post(RESET, { newPassword: "password-2", token: "x" }, { headers: { cookie: "a=b", origin: "https://evil.example" } }) },
];
