// The second factor, from the QR code to the last backup code.

import assert from "node:assert/strict";

import { Authenticator } from "./lib/authenticator.mjs";
import { look } from "./lib/look.mjs";
import { mailedCode } from "./lib/mail.mjs";
import { address } from "./lib/settings.mjs";
import { PASSWORD, arrives, button, card, field, fill, heading, isHome, member, open, shows, signIn, signOut } from "./lib/steps.mjs";

export const title = "A second factor is enrolled, asked for, and turned off";

export async function story(people) {
	const email = address("radia");
	const radia = await member(people, { name: "Radia Perlman", email });
	const { page } = radia;

	const { app, codes } = await enrol(radia);
	await look(radia, "second-factor-on");
	await signOut(radia);

	await signIn(radia, { email });
	await arrives(radia, "/two-factor");
	await shows(field(page, "Code from your authenticator app"));
	await look(radia, "second-factor", { phone: true });
	radia.watch.expect("401 POST /api/auth/two-factor/verify-totp");
	await enterCode(page, "Code from your authenticator app", "000000");
	await shows(page.getByText("This code is wrong or too old. Enter the newest one."));
	await page.goto("/dashboard");
	await arrives(radia, "/login?callbackUrl=%2Fdashboard");
	await open(radia, "/two-factor", "One more step");
	await enterCode(page, "Code from your authenticator app", app.code());
	await isHome(radia, "Radia");
	await signOut(radia);

	await challenge(radia, email, "Use a backup code");
	await look(radia, "second-factor-backup-code");
	await enterCode(page, "Backup code", codes[0]);
	await isHome(radia, "Radia");
	await signOut(radia);

	// Each works once.
	radia.watch.expect("401 POST /api/auth/two-factor/verify-backup-code");
	await challenge(radia, email, "Use a backup code");
	await enterCode(page, "Backup code", codes[0]);
	await shows(page.getByText("This backup code is wrong or was used before."));

	await button(page, "Mail me a code").click();
	await shows(page.getByText("A code is on its way to your address."));
	assert.equal(await page.getByText("This backup code is wrong").count(), 0, "that was said of another code");
	await look(radia, "second-factor-mailed-code", { isPictured: false });
	await field(page, "Trust this device").check();
	await enterCode(page, "Code from the mail", await mailedCode(email));
	await isHome(radia, "Radia");
	await signOut(radia);
	await signIn(radia, { email });
	await isHome(radia, "Radia");

	// A stranger who knows the password stands at the door, whatever this browser is spared.
	const stranger = await people.newcomer();
	await signIn(stranger, { email });
	await arrives(stranger, "/two-factor");
	await stranger.page.goto("/dashboard");
	await arrives(stranger, "/login?callbackUrl=%2Fdashboard");

	await open(radia, "/settings/security", "Security");
	await button(page, "Turn off").click();
	await fill(card(page, "Two-step sign-in"), { Password: PASSWORD });
	await button(page, "Turn off").click();
	await shows(page.getByText("Two-step sign-in is off."));
	await signIn(stranger, { email });
	await isHome(stranger, "Radia");
}

/** Turns it on by the QR code; the app that has scanned it, and the backup codes. */
async function enrol(person) {
	const { page, watch } = person;
	await open(person, "/settings/security", "Security");
	await look(person, "security", { phone: true });
	const settings = card(page, "Two-step sign-in");
	await button(page, "Turn on").click();
	watch.expect("400 POST /api/auth/two-factor/enable");
	await fill(settings, { Password: "not the right one" });
	await button(page, "Continue").click();
	await shows(page.getByText("This password is wrong."));
	await fill(settings, { Password: PASSWORD });
	await button(page, "Continue").click();
	await shows(heading(page, "Add the account to your app"));
	await look(person, "second-factor-enrolment", { phone: true });

	const app = await Authenticator.scan(page.getByRole("img", { name: "QR code for your authenticator app" }));
	assert.equal((await settings.locator("code").innerText()).replaceAll(/\s/g, ""), app.secret, "the picture and the key are the same");
	await enterCode(page, "Code that the app shows", app.code(), "Confirm");
	await shows(heading(page, "Save your backup codes"));
	await look(person, "backup-codes");
	const codes = await page.getByRole("list", { name: "Backup codes" }).getByRole("listitem").allInnerTexts();
	assert.ok(codes.length > 1 && new Set(codes).size === codes.length);
	await button(page, "I have saved them").click();
	await shows(page.getByText("Two-step sign-in is on."));
	return { app, codes };
}

/** Signs in with the password, and chooses a way for the second step. */
async function challenge(person, email, way) {
	await signIn(person, { email });
	await arrives(person, "/two-factor");
	await button(person.page, way).click();
}

async function enterCode(page, label, code, send = "Verify") {
	await field(page, label).fill(code);
	await button(page, send).click();
}
