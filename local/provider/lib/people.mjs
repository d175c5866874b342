// Who can sign in. Nobody is stored: a person is known by the address.

import { createHash } from "node:crypto";

/** The people to choose from; the demo's own user is the first. */
export function people(user) {
	return [
		{ name: user.name, email: user.email, verified: true, note: "signs in to the account of the demo" },
		{ name: "Ben Otieno", email: "ben@example.com", verified: true },
		{ name: "Chloé Martin", email: "chloe@example.com", verified: true },
		{ name: "Dmitri Volkov", email: "dmitri@example.com", verified: false },
	];
}

/** Who a submitted form stands for, or `null` if it says nobody. */
export function chosen(fields, user) {
	const listed = people(user).find((person) => person.email === fields.person);
	if (listed) return listed;
	const email = (fields.email ?? "").trim();
	if (fields.person !== "other" || !/^[^\s@]+@[^\s@]+$/.test(email) || email.length > 254) return null;
	const name = (fields.name ?? "").trim().slice(0, 100);
	return { name: name || email.split("@")[0], email, verified: fields.verified === "yes" };
}

/** A number that a provider always knows the same person by. */
export function number(provider, email) {
	const hash = createHash("sha256").update(`${provider}:${email.toLowerCase()}`).digest();
	return hash.readUIntBE(0, 6);
}
