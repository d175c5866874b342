// Looks at a page as it is: by axe, in both themes and on a phone, and keeps
// pictures when they are wanted.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { PHONE, WIDE } from "./browser.mjs";
import { settings } from "./settings.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Names of the pages that have been looked at, for the report. */
export const seen = new Set();

/**
 * All of axe's rules hold on the page in both themes; its picture is `name`, if there is
 * to be one. On a phone too, nothing stands outside.
 */
export async function look({ page }, name, { phone = false, isPictured = true } = {}) {
	assert.ok(!seen.has(name), `${name} is the name of two pages`);
	seen.add(name);
	for (const colorScheme of ["light", "dark"]) {
		await page.emulateMedia({ colorScheme });
		await settle(page);
		await check(page, `${name}, ${colorScheme}`);
		if (isPictured) await picture(page, `${name}-${colorScheme}`);
	}
	await page.emulateMedia({ colorScheme: "light" });
	await page.setViewportSize(PHONE);
	await settle(page);
	const { width, content } = await page.evaluate(() => ({
		width: document.documentElement.clientWidth,
		content: document.documentElement.scrollWidth,
	}));
	assert.ok(content <= width, `${name} is ${content} pixels wide on a phone of ${width}`);
	if (phone) {
		await check(page, `${name}, phone`);
		await picture(page, `${name}-phone`);
	}
	await page.setViewportSize(WIDE);
	await settle(page);
}

/** The title, colours and sizes are what they will be: nothing is on its way. */
async function settle(page) {
	await page.waitForFunction(() => document.title !== "");
	await page.evaluate(async () => {
		await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
		const ending = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
		await Promise.allSettled(ending.map(({ finished }) => finished));
	});
}

async function check(page, where) {
	// Evaluated by the debugger, which the page's policy does not bind. The frame of a mail is a stranger's.
	if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
	const { violations, passes } = await page.evaluate(() => window.axe.run({ iframes: false }));
	assert.ok(passes.length > 0, `axe has looked at nothing: ${where}`);
	const found = violations.map(({ id, help, nodes }) => {
		const places = nodes.map(({ html, failureSummary }) => `    ${html}\n      ${failureSummary.replaceAll("\n", "\n      ")}`);
		return `  ${id}: ${help}\n${places.join("\n")}`;
	});
	assert.equal(found.length, 0, `axe objects to ${where}:\n${found.join("\n")}`);
}

async function picture(page, name) {
	if (!settings.screenshots) return;
	await mkdir(settings.screenshots, { recursive: true });
	await page.screenshot({ path: path.join(settings.screenshots, `${name}.png`), animations: "disabled", caret: "hide" });
}
