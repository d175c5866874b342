// Pages for those who are signed in, asked for by those who are not.

import { look } from "./lib/look.mjs";
import { address } from "./lib/settings.mjs";
import { arrives, enterPassword, heading, isHome, link, member, open, ready, shows, signOut } from "./lib/steps.mjs";

export const title = "Protected pages lead to the sign-in, and from there back";

export async function story(people) {
	const email = address("hedy");
	const hedy = await member(people, { name: "Hedy Lamarr", email });
	const { page } = hedy;
	await signOut(hedy);

	for (const path of ["/dashboard", "/settings", "/settings/security", "/settings/sessions", "/settings/accounts"]) {
		await page.goto(path);
		await arrives(hedy, `/login?callbackUrl=${encodeURIComponent(path)}`);
	}
	await ready(page);
	await look(hedy, "sign-in", { phone: true });
	await enterPassword(hedy, { email });
	await arrives(hedy, "/settings/accounts");
	await shows(heading(page, "Linked accounts"));
	await signOut(hedy);

	// The target outlives a detour, and its query comes along.
	await page.goto("/settings/sessions?from=mail");
	await arrives(hedy, `/login?callbackUrl=${encodeURIComponent("/settings/sessions?from=mail")}`);
	await ready(page);
	await link(page, "Create an account").click();
	await shows(heading(page, "Create your account"));
	await link(page, "Sign in").click();
	await shows(heading(page, "Welcome back"));
	await enterPassword(hedy, { email });
	await arrives(hedy, "/settings/sessions?from=mail");
	await signOut(hedy);

	// Nobody is led to another site, or to a script.
	for (const target of ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:document.title='evil'"]) {
		await open(hedy, `/login?callbackUrl=${encodeURIComponent(target)}`, "Welcome back");
		await enterPassword(hedy, { email });
		await isHome(hedy, "Hedy");
		await signOut(hedy);
	}
}
