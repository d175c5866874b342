// A certified OpenID Provider, with people who are whoever they say they are.
//
//   node oidc.mjs [JSON]        prints `ready http://127.0.0.1:PORT`
//
// The argument, all of it optional:
//   algorithm       signature of the id tokens: RS256 (default), PS256 or ES256
//   authentication  ways in which clients may authenticate, as in its document
//   fullIdTokens    whether id tokens have the claims that userinfo has
//
// People sign in by an e-mail address, which the provider has verified unless
// it begins with `unverified`. Beside the provider's own paths:
//   GET  /__requests  how often each path was asked for, as JSON
//   POST /__rotate    replaces the signing key, under another key id

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";

// It warns of what is not for production, and of Node 20, where it works too.
console.warn = () => {};
const { Provider } = await import("oidc-provider");

const { algorithm = "RS256", authentication, fullIdTokens = false } = JSON.parse(process.argv[2] ?? "{}");

const requests = {};
let generation = 0;
let answer;

const server = createServer((request, response) => {
	const { pathname } = new URL(request.url, "http://provider");
	const reply = (body) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
	if (pathname === "/__requests") return reply(requests);
	if (pathname === "/__rotate") {
		answer = provider();
		return reply({});
	}
	requests[pathname] = (requests[pathname] ?? 0) + 1;
	return answer(request, response);
});
server.listen(0, "127.0.0.1", () => {
	answer = provider();
	console.log(`ready ${url()}`);
});

function url() {
	return `http://127.0.0.1:${server.address().port}`;
}

/** The provider with a new key, and with all that it has issued so far. */
function provider() {
	return new Provider(url(), {
		// As in the test: what the service is known by.
		clients: [
			{
				client_id: "acme-client-id",
				client_secret: "acme client+secret/c4n4ry:77",
				redirect_uris: [process.env.REDIRECT_URI, "http://127.0.0.1/app"],
				grant_types: ["authorization_code", "refresh_token"],
				id_token_signed_response_alg: algorithm,
				token_endpoint_auth_method: authentication?.[0] ?? "client_secret_basic",
			},
		],
		jwks: { keys: [signingKey()] },
		cookies: { keys: ["a key for cookies that protect nothing"] },
		claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
		conformIdTokenClaims: !fullIdTokens,
		...(authentication && { clientAuthMethods: authentication }),
		findAccount: (_context, id) => ({ accountId: id, claims: () => person(id) }),
		pkce: { required: () => true },
		issueRefreshToken: (_context, client, code) => client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
		rotateRefreshToken: true,
	}).callback();
}

function signingKey() {
	generation += 1;
	const pair =
		algorithm === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
	return { ...pair.privateKey.export({ format: "jwk" }), kid: `key-${generation}`, use: "sig", alg: algorithm };
}

function person(email) {
	return {
		sub: email,
		email,
		email_verified: !email.startsWith("unverified"),
		name: "Acme Person",
		picture: "https://id.acme.example/person.png",
	};
}
