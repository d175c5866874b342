// Plays stories in Chromium against the running demo, one after the other.
//
//   node run.mjs [STORY…]      such as `sign-up`; all of the profile's without
//
// lib/settings.mjs has the environment. Prints a line for each story, and what
// was wrong; exits with 1 if anything was.

import { readdir } from "node:fs/promises";

import { People, launch } from "./lib/browser.mjs";
import { seen } from "./lib/look.mjs";
import { settings } from "./lib/settings.mjs";

const PRODUCTION = "production";

/** Longer than any story takes on a busy machine, in milliseconds. */
const LIMIT = 20 * 60_000;

const files = await readdir(import.meta.dirname);
const all = files.flatMap((file) => file.match(/^story-(.+)\.mjs$/)?.[1] ?? []).sort();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`there is no story ${unknown.join(", ")}`);
const stories = wanted.length > 0 ? wanted : all.filter((name) => (name === PRODUCTION) === settings.isProduction);

const browser = await launch();
let failed = 0;
for (const name of stories) failed += (await plays(name)) ? 0 : 1;
await browser.close();
console.log(`${stories.length - failed} of ${stories.length} stories, ${seen.size} pages looked at in both themes`);
process.exitCode = failed > 0 ? 1 : 0;

/** Whether a story goes as it is told, and no page complains. */
async function plays(name) {
	const { story, title } = await import(`./story-${name}.mjs`);
	const people = new People(browser);
	const start = Date.now();
	const problems = [];
	try {
		await within(LIMIT, story(people));
	} catch (error) {
		problems.push(error.stack);
		await people.photograph(name);
	}
	await people.leave();
	problems.push(...people.complaints());
	const seconds = Math.round((Date.now() - start) / 1000);
	console.log(`${problems.length > 0 ? "FAILED" : "ok"} ${name}: ${title} (${seconds} s)`);
	for (const problem of problems) console.log(`  ${problem.replaceAll("\n", "\n  ")}`);
	return problems.length === 0;
}

/** What is evaluated in a page knows no end of its own. */
async function within(limit, action) {
	let timer;
	const end = new Promise((_resolve, reject) => (timer = setTimeout(() => reject(new Error("the story did not end")), limit)));
	await Promise.race([action, end]).finally(() => clearTimeout(timer));
}
