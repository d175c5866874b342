// Two browsers of one user: one signs the other out.

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, button, heading, isHome, member, open, shows, signIn } from "./lib/steps.mjs";

export const title = "A session is ended from elsewhere";

const PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

export async function story(people) {
	const email = address("frances");
	const desk = await member(people, { name: "Frances Allen", email });
	const phone = await people.newcomer({ userAgent: PHONE });
	await signIn(phone, { email });
	await isHome(phone, "Frances");

	const { page } = desk;
	const devices = page.getByRole("list", { name: "Devices" }).getByRole("listitem");
	await open(desk, "/settings/sessions", "Devices");
	await shows(devices.filter({ hasText: "Chrome on Linux" }).getByText("This device"));
	await look(desk, "devices", { phone: true });
	await page.getByRole("button", { name: /^Sign out Safari on iOS, since/ }).click();
	await shows(page.getByText("Safari on iOS is signed out."));
	await devices.filter({ hasText: "Safari on iOS" }).waitFor({ state: "detached" });
	await phone.page.goto("/settings");
	await arrives(phone, "/login?callbackUrl=%2Fsettings");
	await open(desk, "/settings/sessions", "Devices");
	await shows(devices);

	// All others at once, but this one.
	const others = [phone, await people.newcomer()];
	for (const other of others) {
		await signIn(other, { email });
		await isHome(other, "Frances");
	}
	await page.reload();
	await button(page, "Sign out all other devices").click();
	await shows(page.getByText("All other devices are signed out."));
	for (const other of others) {
		await other.page.goto("/dashboard");
		await arrives(other, "/login?callbackUrl=%2Fdashboard");
		await shows(heading(other.page, "Welcome back"));
	}
	await open(desk, "/dashboard", "Hello, Frances");
}
