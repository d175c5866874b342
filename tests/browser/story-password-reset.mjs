// A forgotten password is set anew by the mailed link, once.

import assert from "node:assert/strict";

import { look } from "./lib/look.mjs";
import { mailedLink } from "./lib/mail.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, button, fill, heading, isHome, link, member, open, ready, shows, signIn } from "./lib/steps.mjs";

export const title = "A password is reset by the mailed link";

const NEW_PASSWORD = "nine green umbrellas fold";

export async function story(people) {
	const email = address("alan");
	const elsewhere = await member(people, { name: "Alan Turing", email });

	const alan = await people.newcomer();
	const { page } = alan;
	await open(alan, "/login", "Welcome back");
	await link(page, "Forgotten?").click();
	await shows(heading(page, "Forgotten your password?"));
	await look(alan, "forgotten-password");
	await fill(page, { "E-mail address": email });
	await button(page, "Send me a link").click();
	await shows(heading(page, "Check your inbox"));
	await look(alan, "check-your-inbox");

	const mailed = await mailedLink(email, "/api/auth/reset-password");
	await page.goto(mailed);
	await arrives(alan, "/reset-password");
	await ready(page);
	await look(alan, "reset-password");
	await fill(page, { "New password": NEW_PASSWORD });
	await button(page, "Set password").click();
	await shows(heading(page, "Your password is set"));
	assert.equal(new URL(page.url()).search, "", "the token is out of the address");
	await link(page, "Sign in").click();
	await shows(heading(page, "Welcome back"));

	alan.watch.expect("401 POST /api/auth/sign-in/email");
	await signIn(alan, { email });
	await shows(page.getByText("E-mail address or password is wrong."));
	await signIn(alan, { email, password: NEW_PASSWORD });
	await isHome(alan, "Alan");

	// It has ended all that went before, and works no second time.
	await elsewhere.page.goto("/dashboard");
	await arrives(elsewhere, "/login?callbackUrl=%2Fdashboard");
	await elsewhere.page.goto(mailed);
	await shows(heading(elsewhere.page, "This link does not work"));
	await look(elsewhere, "reset-link-used", { isPictured: false });
	await link(elsewhere.page, "Send me a new link").click();
	await arrives(elsewhere, "/forgot-password");
}
