// Name, password and address are changed.

import { look } from "./lib/look.mjs";
import { mailedLink } from "./lib/mail.mjs";
import { address } from "./lib/settings.mjs";
import { PASSWORD, arrives, button, card, fill, isHome, member, open, shows, signIn, signOut } from "./lib/steps.mjs";

export const title = "Name, password and address are changed";

const NEW_PASSWORD = "four silver ladders lean";

export async function story(people) {
	const [email, newEmail] = [address("joan"), address("joan.clarke")];
	const joan = await member(people, { name: "Joan", email });
	const { page } = joan;

	await open(joan, "/settings", "Profile");
	await look(joan, "profile", { phone: true });
	await fill(card(page, "Your name"), { Name: "Johanna Clarke" });
	await button(page, "Save name").click();
	await shows(page.getByText("Your name is saved."));
	await open(joan, "/dashboard", "Hello, Johanna");

	await changePassword(people, joan, email);
	await changeAddress(joan, email, newEmail);
	await signOut(joan);
	joan.watch.expect("401 POST /api/auth/sign-in/email");
	await signIn(joan, { email, password: NEW_PASSWORD });
	await shows(page.getByText("E-mail address or password is wrong."));
	await signIn(joan, { email: newEmail, password: NEW_PASSWORD });
	await isHome(joan, "Johanna");
}

async function changePassword(people, joan, email) {
	const { page } = joan;
	const elsewhere = await people.newcomer();
	await signIn(elsewhere, { email });
	await isHome(elsewhere, "Johanna");

	await open(joan, "/settings/security", "Security");
	joan.watch.expect("400 POST /api/auth/change-password");
	const values = { "Current password": "not the right one", "New password": NEW_PASSWORD };
	await fill(page, values);
	await button(page, "Change password").click();
	await shows(page.getByText("This password is wrong."));
	await fill(page, { ...values, "Current password": PASSWORD });
	await button(page, "Change password").click();
	await shows(page.getByText("Your password is changed. You are signed out on all other devices."));
	await look(joan, "password-changed", { isPictured: false });

	await elsewhere.page.goto("/dashboard");
	await arrives(elsewhere, "/login?callbackUrl=%2Fdashboard");
	elsewhere.watch.expect("401 POST /api/auth/sign-in/email");
	await signIn(elsewhere, { email });
	await shows(elsewhere.page.getByText("E-mail address or password is wrong."));
}

/** Both addresses have their say: first the old one, then the new one. */
async function changeAddress(joan, email, newEmail) {
	const { page } = joan;
	await open(joan, "/settings", "Profile");
	await fill(page, { "New e-mail address": newEmail });
	await button(page, "Change address").click();
	await shows(page.getByText(`We mailed a link to ${email}.`));
	await look(joan, "address-change-asked", { isPictured: false });
	await page.goto(await mailedLink(email, "/api/auth/verify-email"));
	await arrives(joan, "/email-changed");
	await shows(page.getByText(`Your account’s address is ${email}.`));
	await look(joan, "address-change-agreed");
	await page.goto(await mailedLink(newEmail, "/api/auth/verify-email"));
	await arrives(joan, "/email-changed");
	await shows(page.getByText(`Your account’s address is ${newEmail}.`));
	await open(joan, "/settings", "Profile");
	await shows(page.getByText(`You sign in with ${newEmail}.`));
}
