// The providers of `cargo run -- --demo`: Google, GitHub, and one called Acme
// that is found by its issuer alone, all on this machine.
//
// Google and Acme are `oidc-provider`, certified for OpenID Connect; GitHub is
// not OpenID Connect, and is in lib/github.mjs. Who signs in is chosen on a
// page, without a password.
//
// It takes its options as JSON in PROVIDER_OPTIONS, says `ready URL` when it
// listens, and asks nobody but the client of the options for anything.

import { createServer } from "node:http";

import { github } from "./lib/github.mjs";
import { reply, sendPage, serveIcon, serveStyle } from "./lib/http.mjs";
import { openIdProvider } from "./lib/openid.mjs";
import { index, problem } from "./lib/pages.mjs";

/**
 * port: where it listens, on 127.0.0.1
 * app: origin that codes are sent to
 * user: name and address of the demo's user
 * clients: clientId and clientSecret of google, github and acme
 */
const options = JSON.parse(process.env.PROVIDER_OPTIONS ?? "{}");
const url = `http://127.0.0.1:${options.port}`;

const settings = (id, name) => ({
	id,
	name,
	url: `${url}/${id}`,
	app: options.app,
	user: options.user,
	client: options.clients[id],
	redirectUri: `${options.app}/api/auth/callback/${id}`,
});

const providers = {
	// What Google tells of people is in the id token alone.
	google: openIdProvider({ ...settings("google", "Google"), fullIdTokens: true, standsIn: true }),
	github: github({ ...settings("github", "GitHub"), standsIn: true }),
	acme: openIdProvider(settings("acme", "Acme")),
};

const server = createServer(async (request, response) => {
	const { pathname } = new URL(request.url, url);
	const [, id] = pathname.split("/");
	try {
		if (Object.hasOwn(providers, id)) return await providers[id](request, response, pathname.slice(id.length + 1));
		if (pathname === "/") return sendPage(response, 200, index(options));
		if (pathname === "/style.css") return serveStyle(response);
		if (pathname === "/icon.svg") return serveIcon(response);
		return sendPage(response, 404, problem("There is nothing here", pathname));
	} catch (error) {
		console.error(error);
		if (response.headersSent) return response.destroy();
		return reply(response, 500, "text/plain", "Internal Server Error");
	}
});

server.listen(options.port, "127.0.0.1", () => console.log(`ready ${url}`));
