// What people do, in the words of the pages.

import { PATIENCE } from "./settings.mjs";
import { mailedLink } from "./mail.mjs";

export const PASSWORD = "seven purple kettles sing";

export const button = (page, name) => page.getByRole("button", { name, exact: true });
export const heading = (page, name) => page.getByRole("heading", { name, exact: true });
export const link = (page, name) => page.getByRole("link", { name, exact: true });
export const field = (page, label) => page.getByLabel(label, { exact: true });
export const card = (page, name) => page.getByRole("region", { name, exact: true });

/** Something is there to be seen. */
export const shows = (locator) => locator.waitFor({ state: "visible" });

/** Opens a page and waits until its heading is there and its scripts run. */
export async function open({ page }, path, title) {
	await page.goto(path);
	await shows(heading(page, title));
	await ready(page);
}

/** Forms are sent by the page's scripts: React has the document in its hands. */
export async function ready(page) {
	await page.waitForFunction(() => {
		const elements = [...document.querySelectorAll("form, button, input")];
		return elements.every((element) => Object.keys(element).some((key) => key.startsWith("__react")));
	});
}

/** Waits until the address is that path (with its query, if `wanted` has one). */
export async function arrives({ page }, wanted) {
	const isThere = ({ pathname, search }) => (wanted.includes("?") ? pathname + search : pathname) === wanted;
	await page.waitForURL(isThere, { timeout: PATIENCE });
}

/** Fills in fields by their labels. */
export async function fill(page, values) {
	for (const [label, value] of Object.entries(values)) await field(page, label).fill(value);
}

export async function signUp(person, { name, email, password = PASSWORD }) {
	await open(person, "/signup", "Create your account");
	await fill(person.page, { Name: name, "E-mail address": email, Password: password });
	await button(person.page, "Create account").click();
}

/** Sends the form of the page that is open. */
export async function enterPassword({ page }, { email, password = PASSWORD }) {
	await fill(page, { "E-mail address": email, Password: password });
	await button(page, "Sign in").click();
}

export async function signIn(person, credentials) {
	await open(person, "/login", "Welcome back");
	await enterPassword(person, credentials);
}

export async function signOut(person) {
	await button(person.page, "Sign out").click();
	await arrives(person, "/login?reason=signed-out");
	await shows(person.page.getByText("You are signed out."));
}

/** Is on the list of to-dos, which is the user's own. */
export async function isHome(person, firstName) {
	await arrives(person, "/dashboard");
	await shows(heading(person.page, `Hello, ${firstName}`));
}

/** Somebody with an account and a verified address, who is signed in. */
export async function member(people, { name, email, ...options }) {
	const person = await people.newcomer(options);
	await signUp(person, { name, email });
	await arrives(person, "/dashboard");
	await verify(person, email);
	await open(person, "/dashboard", `Hello, ${name.split(" ")[0]}`);
	return person;
}

/** Asks for the link on the list of to-dos, and follows it. */
export async function verify({ page }, email) {
	await button(page, "Send a verification link").click();
	await shows(page.getByText(`A link is on its way to ${email}.`));
	await page.goto(await mailedLink(email, "/api/auth/verify-email"));
	await shows(heading(page, "Your address is verified"));
}

/** At a provider's page, says to be one of the people there. */
export async function chooseAt({ page }, provider, name) {
	await shows(page.getByText(`stand-in for ${provider}`));
	await page.getByRole("button", { name: new RegExp(name) }).click();
}

/** At a provider's page, says to be somebody whom it has not listed. */
export async function somebodyElseAt({ page }, { email, name, isVerified = true }) {
	await page.getByText("Somebody else", { exact: true }).click();
	await fill(page, { "E-mail address": email, Name: name });
	await page.getByRole("checkbox", { name: /has verified the address/ }).setChecked(isVerified);
	await button(page, "Continue").click();
}
