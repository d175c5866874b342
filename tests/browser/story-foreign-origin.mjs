// A page of somebody else's, opened by a user who is signed in: it reads
// nothing, and changes nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";

import { address, settings } from "./lib/settings.mjs";
import { PASSWORD, member, open, shows } from "./lib/steps.mjs";

export const title = "A foreign origin gets nowhere";

/** What would do harm if it were obeyed, with a body that would be right. */
const HARM = [
	["/update-user", { name: "Owned" }],
	["/change-email", { newEmail: "mallory@example.com" }],
	["/change-password", { currentPassword: PASSWORD, newPassword: "mallory has been here" }],
	["/revoke-other-sessions", {}],
	["/revoke-sessions", {}],
	["/delete-user", { password: PASSWORD }],
	["/sign-out", {}],
];

export async function story(people) {
	const foreign = await serve();
	const witness = await serve();
	try {
		// Another port of the host is another origin and the same site: cookies come along. The other is another site.
		const near = { origin: `http://localhost:${foreign.port}`, attacker: "mallory.near", isSameSite: true };
		const far = { origin: `http://foreign.localhost:${foreign.port}`, attacker: "mallory.far", isSameSite: false };
		for (const attempt of [near, far]) await attack(people, { ...attempt, witness });
	} finally {
		foreign.close();
		witness.close();
	}
}

/** A server of the front end's host, with a page, which remembers what cookies it was sent. */
async function serve() {
	const served = { cookies: null, port: 0, close: () => server.close() };
	const server = createServer((request, response) => {
		served.cookies = request.headers.cookie ?? "";
		response.writeHead(200, { "content-type": "text/html" });
		response.end('<!doctype html><title>Foreign</title><link rel="icon" href="data:,"><h1>A foreign page</h1>');
	});
	await new Promise((resolve) => server.listen(0, "localhost", resolve));
	served.port = server.address().port;
	return served;
}

async function attack(people, { origin, attacker, isSameSite, witness }) {
	const victim = await member(people, { name: "Vera Rubin", email: address(`vera.of.${attacker}`) });
	const { page, watch } = victim;
	const before = await state(victim);
	assert.equal(before.user?.name, "Vera Rubin");
	await member(people, { name: "Mallory", email: address(attacker) });

	// Its own console is full of refusals, which is as it should be.
	await watch.ignoring(async () => {
		await page.goto(origin);
		await shows(page.getByRole("heading", { name: "A foreign page" }));
		// Cookies know no ports: what this server gets, the front end gets.
		await outcome(page, `http://localhost:${witness.port}/`, { mode: "no-cors" });
		assert.equal(witness.cookies.includes("session_token="), isSameSite);
		await readsNothing(page);
		await sendsInVain(page);
		await submitsInVain(page, { origin, attacker, isSameSite });
		await framesNothing(page);
	});
	await open(victim, "/dashboard", "Hello, Vera");
	assert.deepEqual(await state(victim), before, `${origin} has changed something`);
	// The front end's own page can do what that one could not.
	const rename = { method: "POST", body: JSON.stringify({ name: "Vera C. Rubin" }), headers: { "content-type": "application/json" } };
	assert.equal(await outcome(page, `${settings.web}/api/auth/update-user`, rename), '200 {"status":true}');
}

/** What the service says of the user, asked for by the front end's own page. */
async function state({ page }) {
	return page.evaluate(async () => {
		const get = async (path) => (await fetch(`/api/auth${path}`)).json();
		const { user, session } = (await get("/get-session")) ?? {};
		const sessions = (await get("/list-sessions")).map(({ id }) => id).sort();
		const accounts = (await get("/list-accounts")).map(({ id }) => id).sort();
		return { user, session: session?.id, sessions, accounts };
	});
}

async function readsNothing(page) {
	const urls = [settings.web, settings.service].flatMap((origin) =>
		["/get-session", "/token", "/list-sessions", "/list-accounts"].map((path) => `${origin}/api/auth${path}`),
	);
	urls.push(`${settings.web}/dashboard`, `${settings.web}/settings`, `${settings.api}/api/v1/todos`);
	for (const url of urls) {
		assert.equal(await outcome(page, url, {}), "unreadable", url);
		// Without CORS the request goes out, and what comes back has no content for the page.
		assert.equal(await outcome(page, url, { mode: "no-cors" }), "opaque", url);
	}
}

async function sendsInVain(page) {
	for (const origin of [settings.web, settings.service]) {
		for (const [path, body] of HARM) {
			const url = `${origin}/api/auth${path}`;
			const json = JSON.stringify(body);
			const asked = { method: "POST", body: json, headers: { "content-type": "application/json" } };
			assert.equal(await outcome(page, url, asked), "unreadable", `${url} answers a preflight`);
			// What needs no preflight: JSON that says to be text.
			for (const mode of ["cors", "no-cors"]) {
				const simple = { method: "POST", body: json, mode, headers: { "content-type": "text/plain" } };
				assert.equal(await outcome(page, url, simple), mode === "cors" ? "unreadable" : "opaque", url);
			}
		}
	}
	const url = `${settings.api}/api/v1/todos`;
	const todo = { method: "POST", body: JSON.stringify({ title: "Owned" }), headers: { "content-type": "application/json" } };
	assert.equal(await outcome(page, url, todo), "unreadable");
}

/** Forms need no script and no CORS, and take the page where they lead. */
async function submitsInVain(page, { origin, attacker, isSameSite }) {
	// Who is signed in as somebody else writes their secrets into that account.
	const forms = [...HARM, ["/sign-in/email", { email: address(attacker), password: PASSWORD }]];
	for (const [path, body] of forms) {
		for (const enctype of ["application/x-www-form-urlencoded", "text/plain"]) {
			await page.goto(origin);
			const action = `${settings.web}/api/auth${path}`;
			const answer = page.waitForResponse((response) => response.url() === action);
			await page.evaluate(submitForm, { action, enctype, body });
			const status = (await answer).status();
			// Without its cookie, no session is there to be ended: that is a success, and must not touch the browser's.
			const isNothing = path === "/sign-out" && !isSameSite && status === 200;
			assert.ok(isNothing || (status >= 400 && status < 500), `a form with ${enctype} to ${path} is answered ${status}`);
			await page.waitForURL(action);
		}
	}
	await page.goto(origin);
}

/** In the page: a form of these fields; as text, of one that makes the body JSON. */
function submitForm({ action, enctype, body }) {
	const form = Object.assign(document.createElement("form"), { action, enctype, method: "post" });
	const json = JSON.stringify({ ...body, x: "" });
	const fields = enctype === "text/plain" ? [[json.slice(0, -2), '"}']] : Object.entries(body);
	for (const [name, value] of fields) form.append(Object.assign(document.createElement("input"), { name, value, type: "hidden" }));
	document.body.append(form);
	form.submit();
}

/** No page of the front end is shown within another, where clicks could be led. */
async function framesNothing(page) {
	const response = page.waitForResponse(`${settings.web}/settings`);
	await page.evaluate((url) => document.body.append(Object.assign(document.createElement("iframe"), { src: url })), `${settings.web}/settings`);
	await response.catch(() => null);
	await page.waitForFunction(() => document.querySelector("iframe").contentDocument === null);
	const [, frame] = page.frames();
	assert.ok(!frame.url().startsWith(settings.web), `the frame shows ${frame.url()}`);
}

/** What a request of the page's script comes to. */
function outcome(page, url, options) {
	return page.evaluate(
		async ([url, options]) => {
			try {
				const response = await fetch(url, { credentials: "include", ...options });
				return response.type === "opaque" || response.type === "opaqueredirect" ? "opaque" : `${response.status} ${await response.text()}`;
			} catch (error) {
				return error instanceof TypeError ? "unreadable" : String(error);
			}
		},
		[url, options],
	);
}
