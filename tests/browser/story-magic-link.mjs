// Mailed links sign in who has an account, and make one for who has not.

import assert from "node:assert/strict";

import { look } from "./lib/look.mjs";
import { mailedLink } from "./lib/mail.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, button, fill, heading, link, member, open, shows, signOut } from "./lib/steps.mjs";

export const title = "A mailed link signs in";

export async function story(people) {
	const email = address("katherine");
	const katherine = await member(people, { name: "Katherine Johnson", email });
	const { page } = katherine;
	await signOut(katherine);

	await open(katherine, "/login?callbackUrl=%2Fsettings%2Fsessions", "Welcome back");
	await link(page, "Mail me a sign-in link").click();
	await shows(heading(page, "Sign in by mail"));
	await look(katherine, "magic-link");
	await fill(page, { "E-mail address": email });
	await button(page, "Mail me a link").click();
	await shows(heading(page, "Check your inbox"));
	const mailed = await mailedLink(email, "/api/auth/magic-link/verify");
	await page.goto(mailed);
	await arrives(katherine, "/settings/sessions");
	await shows(heading(page, "Devices"));
	await signOut(katherine);

	// It works once.
	await page.goto(mailed);
	await arrives(katherine, "/magic-link");
	await shows(page.getByText("This link was used before or has expired. Ask for a new one."));
	await look(katherine, "magic-link-used", { isPictured: false });

	const unknown = address("mary");
	const mary = await people.newcomer();
	await open(mary, "/magic-link", "Sign in by mail");
	await fill(mary.page, { "E-mail address": unknown });
	await button(mary.page, "Mail me a link").click();
	await shows(heading(mary.page, "Check your inbox"));
	await mary.page.goto(await mailedLink(unknown, "/api/auth/magic-link/verify"));
	await arrives(mary, "/dashboard");
	await mary.page.goto("/settings");
	await shows(mary.page.getByText(`You sign in with ${unknown}.`));
	// The link has shown whose the address is.
	assert.equal(await mary.page.getByText("is not verified yet.").count(), 0);
}
