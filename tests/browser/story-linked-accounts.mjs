// Accounts of providers are linked to one's own, and unlinked.

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, button, chooseAt, isHome, member, open, shows, signOut, somebodyElseAt } from "./lib/steps.mjs";

export const title = "Accounts of providers are linked and unlinked";

export async function story(people) {
	const email = address("barbara");
	const barbara = await member(people, { name: "Barbara Liskov", email });
	const { page } = barbara;
	const ways = page.getByRole("list", { name: "Ways to sign in" });

	await open(barbara, "/settings/accounts", "Linked accounts");
	await shows(ways.getByText("Password"));
	await button(page, "Link Google").click();
	await somebodyElseAt(barbara, { email, name: "Barbara" });
	await arrives(barbara, "/settings/accounts");
	await shows(ways.getByText("Google"));
	await look(barbara, "linked-accounts", { phone: true });

	// That of another address is not hers.
	await button(page, "Link GitHub").click();
	await chooseAt(barbara, "GitHub", "Ben Otieno");
	await shows(page.getByText("That account has another e-mail address than yours. Choose one with the same address."));
	await look(barbara, "not-linked", { isPictured: false });

	await signOut(barbara);
	await button(page, "Continue with Google").click();
	await somebodyElseAt(barbara, { email, name: "Barbara" });
	await isHome(barbara, "Barbara");

	await open(barbara, "/settings/accounts", "Linked accounts");
	await button(page, "Unlink Google").click();
	await shows(page.getByText("Google is no way to sign in any more."));
	await shows(button(page, "Link Google"));
	await ways.getByText("Google").waitFor({ state: "detached" });
	await shows(ways.getByText("Password"));
	// The last way in stays.
	await button(page, "Unlink Password").waitFor({ state: "detached" });
}
