// For servers that let nobody in whose address is not verified.

import { mailedLink } from "../lib/links.mjs";

const person = (t, fields) => ({ name: "Some Body", email: t.email(), password: "password-1", ...fields });

export default [
	{
		name: "verification required: sign-up, free and taken",
		async run(t) {
			await t.browser.post("/sign-up/email", person(t));
			await t.browser.get("/get-session");
			await t.post("/sign-up/email", person(t, { name: "Else", password: "password-2", image: "https://example.com/a.png", rememberMe: false }));
			await t.post("/sign-up/email", person(t, { email: t.email().toUpperCase() }));
			await t.post("/sign-up/email", person(t, { password: "short" }));
			t.note("links", (await t.mails(t.email())).filter(({ links }) => links.length).length);
		},
	},
	{
		name: "verification required: sign-in before and after",
		async run(t) {
			const { email, password } = person(t);
			await t.browser.post("/sign-up/email", person(t, { callbackURL: "/welcome?a=1" }), { unrecorded: true });
			await t.post("/sign-in/email", { email, password });
			await t.post("/sign-in/email", { email, password: "password-2" });
			await t.post("/sign-in/email", { email: t.email("unknown"), password });
			const { path, link } = await mailedLink(t, email);
			t.note("link", link.href);
			await t.browser.get(path);
			await t.post("/sign-in/email", { email, password });
		},
	},
];
