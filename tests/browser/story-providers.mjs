// Google and GitHub, by the stand-ins of the demo.

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, button, chooseAt, heading, isHome, member, open, shows, signOut, somebodyElseAt } from "./lib/steps.mjs";

export const title = "Google and GitHub sign people in";

export async function story(people) {
	for (const [provider, name] of [["Google", "Ben Otieno"], ["GitHub", "Chloé Martin"]]) {
		const person = await people.newcomer();
		const { page } = person;
		await open(person, "/login", "Welcome back");
		await button(page, `Continue with ${provider}`).click();
		await shows(heading(page, "Who are you?"));
		await look(person, `provider-${provider.toLowerCase()}`, { isPictured: provider === "Google" });
		await chooseAt(person, provider, name);
		await isHome(person, name.split(" ")[0]);
		await page.goto("/settings/accounts");
		await shows(page.getByRole("list", { name: "Ways to sign in" }).getByText(provider));
		await signOut(person);

		// The page that was asked for outlives the way to the provider.
		await open(person, "/login?callbackUrl=%2Fsettings%2Fsessions", "Welcome back");
		await button(page, `Continue with ${provider}`).click();
		await chooseAt(person, provider, name);
		await arrives(person, "/settings/sessions");
		await shows(heading(page, "Devices"));
		await signOut(person);

		await open(person, "/login", "Welcome back");
		await button(page, `Continue with ${provider}`).click();
		await button(page, "Cancel, and give no consent").click();
		await shows(page.getByText("You cancelled at the provider."));
		await arrives(person, "/login");
	}

	// The other provider vouches for the same address: it is the same account.
	const ben = await people.newcomer();
	await open(ben, "/signup", "Create your account");
	await button(ben.page, "Continue with GitHub").click();
	await chooseAt(ben, "GitHub", "Ben Otieno");
	await isHome(ben, "Ben");
	await ben.page.goto("/settings/accounts");
	const ways = ben.page.getByRole("list", { name: "Ways to sign in" });
	await shows(ways.getByText("Google"));
	await shows(ways.getByText("GitHub"));

	// An address that the provider has not verified opens nobody's account.
	const email = address("ada.lovelace");
	await member(people, { name: "Ada Lovelace", email });
	const mallory = await people.newcomer();
	await open(mallory, "/login", "Welcome back");
	await button(mallory.page, "Continue with Google").click();
	await somebodyElseAt(mallory, { email, name: "Mallory", isVerified: false });
	await arrives(mallory, "/login");
	await shows(mallory.page.getByText("There is an account with this address already."));
	await mallory.page.goto("/dashboard");
	await arrives(mallory, "/login?callbackUrl=%2Fdashboard");
}
