// The pages of the local stack itself.

import { look } from "./lib/look.mjs";
import { address, settings } from "./lib/settings.mjs";
import { heading, member, shows } from "./lib/steps.mjs";

export const title = "The local stack shows what runs, and the mail";

export async function story(people) {
	const email = address("edsger");
	await member(people, { name: "Edsger Dijkstra", email });

	const developer = await people.newcomer();
	const { page } = developer;
	await page.goto(`${settings.service}/`);
	await shows(heading(page, "The service runs"));
	await shows(page.getByRole("link", { name: settings.web, exact: true }));
	await look(developer, "stack", { phone: true });
	await page.locator("summary").filter({ hasText: "Get the session" }).click();
	await page.getByRole("button", { name: /^Send ?: Get the session$/ }).click();
	await shows(page.getByRole("region", { name: "Body of the answer" }).getByText("null"));
	await look(developer, "stack-answer", { isPictured: false });

	await page.goto(`${settings.service}/__mail`);
	await shows(heading(page, "Mail"));
	await shows(page.locator("summary").filter({ hasText: email }));
	await look(developer, "mailbox", { phone: true });

	await page.goto(`${settings.provider}/`);
	await shows(heading(page, "Providers of the demo"));
	await look(developer, "providers");
}
