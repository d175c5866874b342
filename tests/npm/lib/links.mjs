// The links that verify and change addresses.

/** The link in the newest mail to an address; its token is shown as `name` from now on. */
export async function mailedLink(t, email, name = "<link token>") {
	const [mail] = await t.mails(email);
	if (!mail) throw new Error(`no mail to ${email}`);
	const link = new URL(mail.links[0]);
	const token = link.searchParams.get("token");
	t.mask.secret(token, name);
	return { token, path: link.pathname.slice(t.target.basePath.length) + link.search, link, mail };
}

/** Verifies the address of the user who is signed in. */
export async function verifyAddress(t, email) {
	await t.browser.post("/send-verification-email", { email }, { unrecorded: true });
	const { token } = await mailedLink(t, email, "<verification token>");
	await t.browser.get(`/verify-email?token=${token}`, { unrecorded: true });
}
