// A newcomer's first minutes: an account, a verified address, out and in again.

import assert from "node:assert/strict";

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { PASSWORD, arrives, button, enterPassword, field, fill, heading, isHome, link, open, shows, signIn, signOut, signUp, verify } from "./lib/steps.mjs";

export const title = "A newcomer signs up, verifies the address, signs out and in";

export async function story(people) {
	const grace = await people.newcomer();
	const { page } = grace;
	const email = address("grace");

	await open(grace, "/signup", "Create your account");
	await look(grace, "sign-up", { phone: true });
	await button(page, "Create account").click();
	await shows(page.getByText("Enter your name."));
	assert.ok(await field(page, "Name").evaluate((input) => input === document.activeElement), "the first wrong field has the focus");
	await fill(page, { Name: "Grace Hopper", "E-mail address": "grace", Password: "short" });
	await page.keyboard.press("Enter");
	await shows(page.getByText("Enter an e-mail address, such as ann@example.com."));
	await shows(page.getByText("Use at least 8 characters."));
	await look(grace, "sign-up-wrong", { isPictured: false });

	await fill(page, { "E-mail address": email, Password: PASSWORD });
	await page.keyboard.press("Enter");
	await isHome(grace, "Grace");
	await shows(page.getByText("is not verified yet."));
	await look(grace, "not-verified");
	await verify(grace, email);
	await look(grace, "verified");
	await link(page, "Go to your dashboard").click();
	await isHome(grace, "Grace");
	assert.equal(await page.getByText("is not verified yet.").count(), 0);

	await signOut(grace);
	await look(grace, "signed-out", { isPictured: false });
	assert.deepEqual(await sessionCookies(grace), [], "no session is left in the browser");

	grace.watch.expect("401 POST /api/auth/sign-in/email");
	await enterPassword(grace, { email, password: "not the right one" });
	await shows(page.getByText("E-mail address or password is wrong."));
	await look(grace, "sign-in-wrong", { isPictured: false });
	await field(page, "Password").fill(PASSWORD);
	await page.keyboard.press("Enter");
	await isHome(grace, "Grace");

	const [session] = await sessionCookies(grace);
	assert.ok(session.httpOnly && session.sameSite === "Lax", "no script reads the session");
	assert.equal(new URL(page.url()).hostname, session.domain, "the cookie is the front end's own");

	// Whoever is signed in has no use for the sign-in.
	await page.goto("/login");
	await isHome(grace, "Grace");

	const again = await people.newcomer();
	again.watch.expect("422 POST /api/auth/sign-up/email");
	await signUp(again, { name: "Somebody Else", email });
	await shows(again.page.getByText("This address has an account already. Sign in, or reset your password."));
	await link(again.page, "Sign in instead").click();
	await shows(heading(again.page, "Welcome back"));
	await signIn(again, { email });
	await isHome(again, "Grace");
}

async function sessionCookies({ context }) {
	return (await context.cookies()).filter(({ name }) => name.endsWith("session_token"));
}
