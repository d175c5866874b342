// The list of to-dos, which the back end keeps for each user by the access token.

import assert from "node:assert/strict";

import { look } from "./lib/look.mjs";
import { address, settings } from "./lib/settings.mjs";
import { button, card, field, fill, member, ready, shows } from "./lib/steps.mjs";

export const title = "To-dos are kept by the back end, each user's own";

export async function story(people) {
	const ida = await member(people, { name: "Ida Rhodes", email: address("ida") });
	const { page } = ida;
	const list = card(page, "My to-dos");
	await shows(list.getByText("Nothing to do. Write down the first thing above."));
	await look(ida, "todos-none", { isPictured: false });

	await button(page, "Add").click();
	await shows(page.getByText("Write down what is to be done."));
	await add(page, "Water the plants", "The fern twice");
	await add(page, "Call the bank");
	await add(page, "Book a table for Thursday");
	await shows(list.getByText("3 open"));
	// Not by `check()`, which looks before the back end has answered.
	await todo(page, "Call the bank").getByRole("checkbox").click();
	await shows(list.getByText("2 open"));
	await look(ida, "todos", { phone: true });

	await reload(page);
	await shows(list.getByText("2 open"));
	assert.ok(await todo(page, "Call the bank").getByRole("checkbox").isChecked(), "it is kept");
	await shows(todo(page, "Water the plants").getByText("The fern twice"));
	await button(page, "Delete Water the plants").click();
	await todo(page, "Water the plants").waitFor({ state: "detached" });
	await reload(page);
	await shows(list.getByText("1 open"));
	assert.equal(await page.getByRole("main").getByRole("listitem").count(), 2);

	const other = await member(people, { name: "Jean Bartik", email: address("jean") });
	await shows(other.page.getByText("Nothing to do. Write down the first thing above."));

	await renewsTheToken(ida);
	assert.equal((await fetch(`${settings.api}/api/v1/todos`)).status, 401, "nobody reads them without a token");
}

/** The back end refuses a token: the page gets another one, and goes on as if nothing had been. */
async function renewsTheToken({ page, watch }) {
	const url = `${settings.api}/api/v1/todos`;
	const used = [];
	// Spoils the first token on its way, so that the back end itself refuses it.
	await page.route(url, async (route) => {
		const headers = await route.request().allHeaders();
		if (!headers.authorization) return route.continue();
		used.push(headers.authorization);
		return route.continue({ headers: used.length > 1 ? headers : { ...headers, authorization: `${headers.authorization}x` } });
	});
	watch.expect("401 POST /api/v1/todos");
	await add(page, "Renew the library card");
	await page.unroute(url);
	assert.equal(used.length, 2, "it is tried once more");
	assert.notEqual(used[0], used[1], "with another token");
}

const todo = (page, title) => page.getByRole("main").getByRole("listitem").filter({ hasText: title });

async function add(page, title, details = "") {
	await fill(page, { "What is to be done?": title, "Details (optional)": details });
	await field(page, "What is to be done?").press("Enter");
	await shows(todo(page, title));
}

async function reload(page) {
	await page.reload();
	await ready(page);
}
