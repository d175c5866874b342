import { each, wrongTypes } from "../lib/cases.mjs";

const PATH = "/sign-up/email";
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const person = (t, fields) => ({ name: "New User", email: t.email(), password: "password-1", ...fields });

export default [
	{
		name: "sign-up: success, and the session that comes with it",
		async run(t) {
			await t.browser.post(PATH, person(t));
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-up: from a trusted origin elsewhere",
		run: (t) => t.post(PATH, person(t), { headers: { origin: "https://app.example.com" } }),
	},
	{
		name: "sign-up: a taken address, in any case of letters",
		async run(t) {
			await t.post(PATH, person(t), { unrecorded: true });
			await t.post(PATH, person(t));
			await t.post(PATH, person(t, { email: t.email().toUpperCase(), password: "another-password" }));
			await t.post(PATH, person(t, { password: "short" }));
		},
	},
	{
		name: "sign-up: the address is kept in lower case",
		async run(t) {
			await t.post(PATH, person(t, { email: t.email("MiXed").replace("example", "EXAMPLE") }));
			await t.post("/sign-in/email", { email: t.email("mixed"), password: "password-1" });
		},
	},
	{
		name: "sign-up: fields that are not the caller's to set are ignored",
		async run(t) {
			const extra = { id: "chosen", userId: "chosen", role: "admin", emailVerified: true, createdAt: "2000-01-01T00:00:00.000Z", twoFactorEnabled: false, foo: { bar: [1] } };
			await t.browser.post(PATH, person(t, extra));
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-up: rememberMe false",
		async run(t) {
			await t.browser.post(PATH, person(t, { rememberMe: false }));
			await t.browser.get("/get-session");
		},
	},
	{
		name: "sign-up: image and callbackURL",
		async run(t) {
			await t.post(PATH, person(t, { image: "https://example.com/me.png", callbackURL: "/welcome", rememberMe: true }));
			await t.post("/sign-in/email", { email: t.email(), password: "password-1" });
		},
	},
	...each("sign-up: optional field", { "image empty": { image: "" }, "callbackURL empty": { callbackURL: "" }, "name empty": { name: "" }, "callbackURL trusted": { callbackURL: "https://app.example.com/x" }, "name with markup": { name: "<b>Åse & \"Bø\" 🦊</b>" } }, (t, fields) =>
		t.post(PATH, person(t, fields)),
	),
	...each("sign-up: form body", { plain: "", charset: "; charset=utf-8", "upper case": "; CHARSET=UTF-8" }, (t, suffix) =>
		t.post(PATH, `name=Fo+rm%21&email=${encodeURIComponent(t.email())}&password=pass%20word+1`, { headers: { "content-type": FORM["content-type"] + suffix } }),
	),
	{
		name: "sign-up: form body cannot hold a boolean",
		run: (t) => t.post(PATH, `name=x&email=${encodeURIComponent(t.email())}&password=password-1&rememberMe=false`, { headers: FORM }),
	},
	{
		name: "sign-up: of a repeated form field the last counts",
		run: (t) => t.post(PATH, `name=First&name=Last&email=${encodeURIComponent(t.email())}&password=password-1`, { headers: FORM }),
	},
	...each("sign-up: missing fields", { all: ["name", "email", "password"], name: ["name"], email: ["email"], password: ["password"], "name and password": ["name", "password"] }, (t, fields) =>
		t.post(PATH, person(t, Object.fromEntries(fields.map((field) => [field, undefined])))),
	),
	...each("sign-up: invalid", validationErrors(), (t, fields) => t.post(PATH, person(t, fields))),
	...each("sign-up: address refused", Object.fromEntries(refusedAddresses().map((email) => [JSON.stringify(email), email])), (t, email) =>
		t.post(PATH, person(t, { email })),
	),
	...each("sign-up: address accepted", { "plus and apostrophe": "o'brien+tag_x-y.z", digits: "0", "40 characters": "a".repeat(40) }, (t, local) =>
		t.post(PATH, person(t, { email: t.email(local) })),
	),
	...each("sign-up: address normalised", { "outer space": (email) => `  ${email}\t`, "full-width @": (email) => email.replace("@", "＠"), "circled letter": (email) => `ⓤ${email}`, "IDN domain": (email) => email.replace("@", "@bücher.") }, (t, change) =>
		t.post(PATH, person(t, { email: change(t.email()) }), { differs: "e-mail normalised" }),
	),
	...each("sign-up: address too long", { "local part of 65": () => `${"a".repeat(65)}@example.com`, "label of 64": (t) => t.email().replace("@", `@${"b".repeat(64)}.`), "300 characters": (t) => t.email().replace("@", `@${"b.".repeat(125)}`) }, (t, email) =>
		t.post(PATH, person(t, { email: email(t) }), { differs: "e-mail limits" }),
	),
	...each("sign-up: password", { "of 7": "1234567", "of 8": "12345678", "of 128": "x".repeat(128), "of 129": "x".repeat(129), "of 1000": "x".repeat(1000), "of 8 emoji": "🔑".repeat(8), "of 64 emoji": "🔑".repeat(64), "with spaces": "  pass word  " }, async (t, password) => {
		await t.post(PATH, person(t, { password }));
		await t.post("/sign-in/email", { email: t.email(), password });
		await t.post("/sign-in/email", { email: t.email(), password: [...password].slice(0, -1).join("") });
	}),
	...each("sign-up: password counted in code points", { short: 4, long: 65 }, (t, length) =>
		t.post(PATH, person(t, { password: "🔑".repeat(length) }), { differs: `${length < 8 ? "short" : "long"} password counted in code points` }),
	),
	{
		name: "sign-up: a composed and a decomposed password are one",
		async run(t) {
			await t.post(PATH, person(t, { password: "caf\u00e9-caf\u00e9" }), { unrecorded: true });
			await t.post("/sign-in/email", { email: t.email(), password: "cafe\u0301-cafe\u0301" });
		},
	},
	...each("sign-up: name", { "of 128 characters": "n".repeat(128), "of 128 emoji": "🦊".repeat(128) }, (t, name) => t.post(PATH, person(t, { name }))),
	...each("sign-up: name refused", { "of 129 characters": "n".repeat(129), "of 50 KB": "n".repeat(50_000), "with a line break": "a\nb", "with NUL": "a\u0000b" }, (t, name) =>
		t.post(PATH, person(t, { name }), { differs: "name limits" }),
	),
	{
		name: "sign-up: image too long",
		run: (t) => t.post(PATH, person(t, { image: `https://example.com/${"x".repeat(3000)}` }), { differs: "image limits" }),
	},
	{
		name: "sign-up: order of checks",
		async run(t) {
			await t.post(PATH, { name: 1, email: "bad", password: "x", callbackURL: "//evil.example" });
			await t.post(PATH, person(t, { email: "bad", password: "short" }));
			await t.post(PATH, person(t, { email: t.known.email, password: "short" }));
			await t.post(PATH, person(t, { email: t.known.email, password: "x".repeat(129) }));
		},
	},
];

function validationErrors() {
	const rows = wrongTypes(["name", "email", "password", "image", "rememberMe"]);
	for (const accepted of ["name = \"\"", "image = \"\"", "image = undefined", "rememberMe = undefined", "rememberMe = true"]) delete rows[accepted];
	return {
		...rows,
		...wrongTypes(["callbackURL"], [null, 1, true, [], {}, ["/a"]]),
		"rememberMe as text": { rememberMe: "false" },
		"everything wrong": { name: 1, email: 2, password: 3, image: 4, rememberMe: 6 },
		"everything null": { name: null, email: null, password: null, image: null, callbackURL: null, rememberMe: null },
	};
}

function refusedAddresses() {
	return [
		"", "x", "@", "a@", "@ex.com", "a@b", "a@b.c", "a@b@ex.com", "a b@ex.com", "a@ex com", "a@ex..com", "a@.ex.com", "a@-ex.com", "a@ex.com.",
		"é@ex.com", "\"a b\"@ex.com", "a@[127.0.0.1]", "a@1.2.3.4", ".a@ex.com", "a.@ex.com", "a..b@ex.com", "a'@ex.com",
		"a@ex_x.com", "a@ex.c1", "a@ex.1c", "a&b@ex.com", "a/b@ex.com", "a=b@ex.com", "a`b@ex.com", "a!b@ex.com", "a#b@ex.com", "a%b@ex.com",
		"a@ex.com,b@ex.com", "a@ex.com;b@ex.com", "<a@ex.com>", "A <a@ex.com>", "a@ex.com\nBcc: b@ex.com", "a\r\n@ex.com", "a@ex.com\u0000", "mailto:a@ex.com", "ı@ex.com", "ß@ex.com", "a\u200db@ex.com",
	];
}
