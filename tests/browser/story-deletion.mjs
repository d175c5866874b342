// An account is deleted, by its password alone.

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { PASSWORD, arrives, button, card, fill, heading, member, open, shows, signIn } from "./lib/steps.mjs";

export const title = "An account is deleted";

export async function story(people) {
	const email = address("ken");
	const ken = await member(people, { name: "Ken Thompson", email });
	const elsewhere = await people.newcomer();
	await signIn(elsewhere, { email });
	await arrives(elsewhere, "/dashboard");

	const { page } = ken;
	await open(ken, "/settings", "Profile");
	await button(page, "Delete my account").click();
	const form = card(page, "Delete the account");
	ken.watch.expect("400 POST /api/auth/delete-user");
	await fill(form, { Password: "not the right one" });
	await button(page, "Delete for good").click();
	await shows(page.getByText("This password is wrong."));
	await look(ken, "deletion");
	await fill(form, { Password: PASSWORD });
	await button(page, "Delete for good").click();
	await arrives(ken, "/goodbye");
	await shows(heading(page, "Your account is deleted"));
	await look(ken, "goodbye");

	await elsewhere.page.goto("/dashboard");
	await arrives(elsewhere, "/login?callbackUrl=%2Fdashboard");
	ken.watch.expect("401 POST /api/auth/sign-in/email");
	await signIn(ken, { email });
	await shows(page.getByText("E-mail address or password is wrong."));
}
