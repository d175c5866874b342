// An OpenID Provider below a path of its own.

import { generateKeyPairSync, randomBytes } from "node:crypto";

import { form, redirect, sendPage } from "./http.mjs";
import { consent, problem } from "./pages.mjs";
import { chosen, number } from "./people.mjs";

// It warns of what is not for production, and of Node 20, where it works too.
console.warn = () => {};
const { Provider, interactionPolicy } = await import("oidc-provider");

/** The handler of a provider's requests; its `path` is what follows the provider's own. */
export function openIdProvider(settings) {
	const accounts = new Map();
	const offline = new Set();
	const provider = new Provider(settings.url, configuration(settings, accounts, offline));
	const callback = provider.callback();
	return async (request, response, path) => {
		if (!path.startsWith("/interaction/")) {
			withoutSession(request, settings.id);
			// The provider learns by it that it is below a path.
			request.originalUrl = request.url;
			request.url = request.url.slice(settings.id.length + 1) || "/";
			return callback(request, response);
		}
		let interaction;
		try {
			interaction = await provider.interactionDetails(request, response);
		} catch {
			return sendPage(response, 400, problem("This sign-in has expired", "Go back to the application and start again."));
		}
		if (request.method !== "POST") return sendPage(response, 200, consent(settings, interaction.params.scope), settings.app);
		const fields = await form(request);
		if (fields?.person === "nobody") {
			const denied = { error: "access_denied", error_description: "The person said no." };
			return provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false });
		}
		const person = fields && chosen(fields, settings.user);
		if (!person) return redirect(response, request.url);
		const accountId = String(number(settings.id, person.email));
		accounts.set(accountId, person);
		const grant = new provider.Grant({ accountId, clientId: interaction.params.client_id });
		grant.addOIDCScope(interaction.params.scope);
		const grantId = await grant.save();
		if (interaction.params.access_type === "offline") offline.add(grantId);
		const result = { login: { accountId, remember: false }, select_account: {}, consent: { grantId } };
		return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
	};
}

function configuration({ id, client, redirectUri, fullIdTokens = false }, accounts, offline) {
	const policy = interactionPolicy.base();
	policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
	return {
		clients: [
			{
				client_id: client.clientId,
				client_secret: client.clientSecret,
				redirect_uris: [redirectUri],
				grant_types: ["authorization_code", "refresh_token"],
				token_endpoint_auth_method: fullIdTokens ? "client_secret_post" : "client_secret_basic",
			},
		],
		jwks: { keys: [signingKey()] },
		cookies: {
			keys: [randomBytes(16).toString("hex")],
			names: { session: `${id}_session`, interaction: `${id}_interaction`, resume: `${id}_resume` },
		},
		claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
		conformIdTokenClaims: !fullIdTokens,
		extraParams: ["access_type"],
		features: { devInteractions: { enabled: false } },
		findAccount: (_context, accountId) => account(accountId, accounts.get(accountId)),
		interactions: { policy, url: (_context, interaction) => `/${id}/interaction/${interaction.uid}` },
		// Google asks for it by a parameter of its own, all others by a scope.
		issueRefreshToken: (_context, _client, code) => offline.has(code.grantId) || code.scopes.has("offline_access"),
		pkce: { required: () => true },
		renderError: (context, out) => {
			context.type = "html";
			context.set("content-security-policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'");
			context.body = problem(out.error, out.error_description ?? "");
		},
		rotateRefreshToken: false,
	};
}

function account(accountId, person) {
	if (!person) return undefined;
	const { email, verified, name } = person;
	return { accountId, claims: () => ({ sub: accountId, email, email_verified: verified, name }) };
}

/** Whoever comes is asked who they are, as if nobody had ever signed in here. */
function withoutSession(request, id) {
	const cookies = (request.headers.cookie ?? "").split("; ").filter((cookie) => !cookie.startsWith(`${id}_session`));
	request.headers.cookie = cookies.join("; ");
}

function signingKey() {
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
	return { ...privateKey.export({ format: "jwk" }), kid: randomBytes(8).toString("hex"), use: "sig", alg: "RS256" };
}
