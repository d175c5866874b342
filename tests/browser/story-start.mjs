// The start page, the choice of colours, and a page that is not there.

import assert from "node:assert/strict";

import { look } from "./lib/look.mjs";
import { arrives, button, heading, link, open, ready, shows } from "./lib/steps.mjs";

export const title = "A visitor looks around";

export async function story(people) {
	const visitor = await people.newcomer();
	const { page } = visitor;
	await open(visitor, "/", "To-dos, kept simple. Accounts, kept safe.");
	await look(visitor, "start", { phone: true });

	await page.getByRole("radio", { name: "Dark", exact: true }).check({ force: true });
	assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
	await page.reload();
	await ready(page);
	assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark", "it is kept");

	// The keyboard gets past the header, and to what the page is for.
	await page.keyboard.press("Tab");
	await page.keyboard.press("Enter");
	assert.equal(await page.evaluate(() => document.activeElement.id), "main");
	await link(page, "Create an account").click();
	await arrives(visitor, "/signup");
	await shows(button(page, "Create account"));

	visitor.watch.expect("404 GET /nowhere");
	await page.goto("/nowhere");
	await shows(heading(page, "This page does not exist"));
	await page.getByRole("link", { name: "To the start page" }).click();
	await arrives(visitor, "/");
}
