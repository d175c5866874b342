// An authenticator app: scans the picture, and never shows a code twice.

import assert from "node:assert/strict";
import jsQR from "jsqr";
import { PNG } from "pngjs";

import { totp } from "../../npm/lib/totp.mjs";

const PERIOD = 30_000;

export class Authenticator {
	#secret;
	#last = 0;

	/** Scans the QR code that a locator shows. */
	static async scan(locator) {
		const { data, width, height } = PNG.sync.read(await locator.screenshot());
		const code = jsQR(new Uint8ClampedArray(data), width, height);
		assert.ok(code, "the QR code cannot be read");
		const uri = new URL(code.data);
		assert.equal(uri.protocol, "otpauth:");
		return new Authenticator(uri.searchParams.get("secret"));
	}

	constructor(secret) {
		this.#secret = secret;
	}

	/** The key as people would type it. */
	get secret() {
		return this.#secret;
	}

	/** A code that was not used yet. The next one is good already, as for a phone whose clock is a little fast. */
	code() {
		const now = Math.floor(Date.now() / PERIOD);
		const step = Math.max(now, this.#last + 1);
		assert.ok(step <= now + 1, "the story uses codes faster than they come");
		this.#last = step;
		return totp(this.#secret, step - now);
	}
}
