// The same front end before a service with `Profile=production`: an address is
// verified before anything else, and a deletion is confirmed by mail. At most
// three sign-ins: more in ten seconds would be refused.

import { mailedLink } from "./lib/mail.mjs";
import { address } from "./lib/settings.mjs";
import { PASSWORD, arrives, button, card, enterPassword, fill, heading, isHome, link, open, shows, signUp } from "./lib/steps.mjs";

export const title = "The service of a production: verified addresses, confirmed deletions";

export async function story(people) {
	const email = address("tim");
	const tim = await people.newcomer();
	const { page, watch } = tim;

	watch.expect("400 POST /api/auth/sign-up/email");
	await signUp(tim, { name: "Tim Berners-Lee", email, password: "password123" });
	await shows(page.getByText("This password is easy to guess. Choose another one."));
	await fill(page, { Password: PASSWORD });
	await button(page, "Create account").click();
	await shows(heading(page, "Verify your address"));

	// Nobody comes in without: neither by the page, nor by the password.
	await page.goto("/dashboard");
	await arrives(tim, "/login?callbackUrl=%2Fdashboard");
	await open(tim, "/login", "Welcome back");
	watch.expect("403 POST /api/auth/sign-in/email");
	await enterPassword(tim, { email });
	await shows(page.getByText("Your address is not verified yet. Follow the link in the mail that we sent you."));
	await page.goto(await mailedLink(email, "/api/auth/verify-email"));
	await shows(heading(page, "Your address is verified"));
	await link(page, "Sign in").click();
	await enterPassword(tim, { email });
	await isHome(tim, "Tim");

	await fill(page, { "What is to be done?": "Propose a web" });
	await button(page, "Add").click();
	await shows(card(page, "My to-dos").getByText("1 open"));

	await open(tim, "/settings", "Profile");
	await button(page, "Delete my account").click();
	await fill(card(page, "Delete the account"), { Password: PASSWORD });
	await button(page, "Delete for good").click();
	await shows(page.getByText(`We mailed a link to ${email}.`));
	await page.goto(await mailedLink(email, "/api/auth/delete-user/callback"));
	await arrives(tim, "/goodbye");
	await shows(heading(page, "Your account is deleted"));
	await page.goto("/dashboard");
	await arrives(tim, "/login?callbackUrl=%2Fdashboard");
}
