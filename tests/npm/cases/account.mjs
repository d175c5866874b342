import { each, wrongTypes } from "../lib/cases.mjs";

const NEW = "a brand new password";
const LONG = "x".repeat(129);
const POSTS = ["/update-user", "/change-password", "/verify-password", "/delete-user"];
const VALID = { name: "x", password: "password-1", currentPassword: "password-1", newPassword: NEW };

export default [
	...each("account: without a session", Object.fromEntries(POSTS.map((path) => [path, path])), async (t, path) => {
		await t.post(path, VALID);
		await t.post(path, []);
		await t.post(path, undefined);
		await t.post(path, VALID, { headers: { cookie: "better-auth.session_token=garbage", origin: t.origin } });
		await t.post(path, VALID, { headers: { cookie: "a=b", origin: "https://evil.example" } });
	}),
	...each(
		"update-user",
		{
			name: { name: "New Name" },
			image: { image: "https://example.com/a.png" },
			both: { name: "New Name", image: "https://example.com/a.png" },
			"no image any more": { image: null },
			"empty name": { name: "" },
			"empty image": { image: "" },
			nothing: {},
			"unknown fields": { a: 1, role: "admin" },
			"fields that are not the user's": { id: "x", emailVerified: true, createdAt: "2020-01-01", updatedAt: 1 },
			email: { email: "x@example.com" },
			"email and name": { name: "x", email: "x@example.com" },
			"empty email": { email: "" },
			"email of a wrong type": { email: 1 },
			"second factor": { twoFactorEnabled: true },
			"second factor and name": { name: "x", twoFactorEnabled: "x" },
			"second factor and email": { email: "x", twoFactorEnabled: true },
			"second factor off": { twoFactorEnabled: false },
			array: [],
			text: '"x"',
			number: "1",
			null: "null",
			"no body": undefined,
		},
		async (t, body) => {
			await t.signUp();
			await t.browser.post("/update-user", body);
			await t.browser.get("/get-session");
		},
	),
	...each("update-user: a name or image of a wrong type", { ...wrongTypes(["name"], [null, 1, true, [], {}]), ...wrongTypes(["image"], [1, true, [], {}]) }, async (t, body) => {
		await t.signUp();
		await t.browser.post("/update-user", body, { differs: "profile checked" });
	}),
	...each("update-user: beyond the limits", { "long name": { name: "x".repeat(129) }, "long image": { image: "x".repeat(2049) }, "line break": { name: "a\nb" } }, async (t, body) => {
		await t.signUp();
		await t.browser.post("/update-user", body, { differs: "profile checked" });
	}),
	{
		name: "update-user: of a session that was not to be remembered",
		async run(t) {
			const { email, password } = await t.signUp();
			await t.browser.post("/sign-in/email", { email, password, rememberMe: false }, { unrecorded: true });
			await t.browser.post("/update-user", { name: "x" });
		},
	},
	{
		name: "change-password: with the other sessions",
		async run(t) {
			const { email, password } = await t.signUp();
			const { cookie } = t.session;
			await t.browser.post("/change-password", { currentPassword: password, newPassword: NEW, revokeOtherSessions: true });
			await t.browser.get("/get-session");
			await t.get("/get-session", { headers: { cookie } });
			await t.post("/sign-in/email", { email, password });
			await t.post("/sign-in/email", { email, password: NEW });
		},
	},
	{
		name: "change-password: sessions end whether or not they are meant to",
		async run(t) {
			const { password } = await t.signUp();
			const { cookie } = t.session;
			await t.browser.post("/change-password", { currentPassword: password, newPassword: NEW }, { differs: "a change ends the other sessions" });
			await t.get("/get-session", { headers: { cookie }, differs: "the old session is over" });
		},
	},
	...each(
		"change-password: refused",
		{
			"wrong password": { currentPassword: "wrong password", newPassword: NEW },
			"empty password": { currentPassword: "", newPassword: NEW },
			"too short": { currentPassword: "password-1", newPassword: "1234567" },
			"too short, wrong password": { currentPassword: "wrong password", newPassword: "1234567" },
			"too long": { currentPassword: "password-1", newPassword: LONG },
			"current too long": { currentPassword: LONG, newPassword: NEW },
			"both missing": {},
			...wrongTypes(["newPassword", "currentPassword"], [null, 1, [], {}]),
			...Object.fromEntries(["x", 1, null].map((value) => [`revokeOtherSessions = ${JSON.stringify(value)}`, { currentPassword: "password-1", newPassword: NEW, revokeOtherSessions: value }])),
		},
		async (t, body) => {
			await t.signUp();
			await t.browser.post("/change-password", body);
			await t.browser.get("/get-session", { only: ["status", "cookies"] });
		},
	),
	...each("verify-password", { right: { password: "password-1" }, wrong: { password: "password-2" }, empty: { password: "" }, "too long": { password: LONG }, ...wrongTypes(["password"], [undefined, null, 1, true, [], {}]) }, async (t, body) => {
		await t.signUp();
		await t.browser.post("/verify-password", body);
	}),
	...each("delete-user", { password: { password: "password-1" }, "a fresh session": {}, "empty password": { password: "" }, "unknown fields": { userId: "x" }, "with a callback": { callbackURL: "/bye" } }, async (t, body) => {
		const { email, password } = await t.signUp();
		const { cookie } = t.session;
		await t.browser.post("/delete-user", body);
		await t.get("/get-session", { headers: { cookie } });
		await t.post("/sign-in/email", { email, password });
		await t.signUp();
	}),
	...each(
		"delete-user: refused",
		{
			"wrong password": { password: "wrong password" },
			"too long": { password: LONG },
			"unknown token": { token: "x" },
			"unknown token, right password": { token: "A".repeat(43), password: "password-1" },
			"unknown token, wrong password": { token: "A".repeat(43), password: "wrong password" },
			"callback elsewhere": { callbackURL: "https://evil.example" },
			...wrongTypes(["password", "token"], [null, 1, true, [], {}]),
			array: [],
			"no body": undefined,
		},
		async (t, body) => {
			await t.signUp();
			await t.browser.post("/delete-user", body);
			await t.browser.get("/get-session", { only: ["status", "cookies"] });
		},
	),
	...each(
		"delete-user link",
		{
			"no token": "",
			"unknown token": "?token=x",
			"unknown token and callback": "?token=x&callbackURL=%2Fbye",
			"empty token": "?token=",
			"token twice": "?token=x&token=y",
			"callback elsewhere": "?token=x&callbackURL=https%3A%2F%2Fevil.example",
			"callback elsewhere, no token": "?callbackURL=https%3A%2F%2Fevil.example",
		},
		async (t, query) => {
			await t.get(`/delete-user/callback${query}`);
			await t.signUp();
			await t.browser.get(`/delete-user/callback${query}`);
			await t.browser.get("/get-session", { only: ["status", "cookies"] });
		},
	),
];
