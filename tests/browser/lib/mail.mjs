// The mailbox of the stack, read by its JSON.

import { PATIENCE, settings } from "./settings.mjs";

const read = new Set();

/** The newest mail to an address that has a link to `path` and was not read yet; waits for it. */
export async function mailedLink(to, path) {
	const find = ({ links }) => links.find((link) => new URL(link).pathname.startsWith(path));
	return find(await newMail(to, find, `a link to ${path}`));
}

/** The code of the newest mail to an address that has one and was not read yet; waits for it. */
export async function mailedCode(to) {
	const find = ({ text }) => text.match(/\b\d{6}\b/)?.[0];
	return find(await newMail(to, find, "a code"));
}

async function newMail(to, isWanted, what) {
	const deadline = Date.now() + PATIENCE;
	while (Date.now() < deadline) {
		const response = await fetch(`${settings.service}/__mail.json?${new URLSearchParams({ to })}`);
		const mails = await response.json();
		const mail = mails.find((mail) => !read.has(mail.id) && isWanted(mail));
		if (mail) {
			read.add(mail.id);
			return mail;
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	throw new Error(`no mail to ${to} with ${what}`);
}
