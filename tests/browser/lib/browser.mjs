// Chromium, and the people who use it: each has a profile of their own.

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { chromium } from "playwright-core";

import { PATIENCE, settings } from "./settings.mjs";
import { Watch } from "./watch.mjs";

const ARGUMENTS = [
	// Pages are this repository's own, and root has no sandbox.
	"--no-sandbox",
	"--disable-gpu",
	"--disable-dev-shm-usage",
	"--disable-quic",
	"--no-first-run",
	// It asks nobody but the pages' servers for anything.
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

export const WIDE = { width: 1200, height: 800 };
export const PHONE = { width: 390, height: 844 };

export const launch = () => chromium.launch({ executablePath: settings.chromium, args: ARGUMENTS, timeout: 2 * PATIENCE });

/** Everybody who takes part in a story. */
export class People {
	#browser;
	#all = [];

	constructor(browser) {
		this.#browser = browser;
	}

	/** Somebody with an empty profile, who has opened no page yet. */
	async newcomer(options = {}) {
		const context = await this.#browser.newContext({
			baseURL: settings.web,
			viewport: WIDE,
			locale: "en-GB",
			reducedMotion: "reduce",
			...options,
		});
		context.setDefaultTimeout(PATIENCE);
		context.setDefaultNavigationTimeout(PATIENCE);
		const person = { context, watch: new Watch(context), page: await context.newPage() };
		this.#all.push(person);
		return person;
	}

	/** What went wrong in their browsers, and was not meant to. */
	complaints() {
		return this.#all.flatMap(({ watch }) => watch.complaints());
	}

	/** Keeps a picture of what each sees. */
	async photograph(name) {
		if (!settings.artefacts) return;
		await mkdir(settings.artefacts, { recursive: true });
		for (const [index, { page }] of this.#all.entries()) {
			await page.screenshot({ path: path.join(settings.artefacts, `${name}-${index}.png`) }).catch(() => {});
		}
	}

	async leave() {
		await Promise.all(this.#all.map(({ context }) => context.close()));
	}
}
