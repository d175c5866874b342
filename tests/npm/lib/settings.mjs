// What both servers must be started with, so that their answers can be compared.

/** Beside a server's own origin. `AUTH_TRUSTED_ORIGINS` is this list, joined by commas. */
export const trustedOrigins = ["https://app.example.com", "https://*.preview.example.com"];

/** In the form of the service's own secret, which `OAUTH_CLIENTS` can hold. */
export const oauthClients = process.env.OAUTH_CLIENTS
	? JSON.parse(process.env.OAUTH_CLIENTS)
	: {
			google: { clientId: "google-client-id", clientSecret: "google-client-secret" },
			github: { clientId: "github-client-id", clientSecret: "github-client-secret" },
		};

/** Google's and GitHub's addresses that Better Auth has built in, and where the stand-in answers for each. */
export function providerEndpoints(standIn) {
	return {
		"https://oauth2.googleapis.com/token": `${standIn}/google/token`,
		"https://www.googleapis.com/oauth2/v3/certs": `${standIn}/google/certs`,
		"https://github.com/login/oauth/access_token": `${standIn}/github/token`,
		"https://api.github.com/user": `${standIn}/github/api/user`,
		"https://api.github.com/user/emails": `${standIn}/github/api/user/emails`,
	};
}

/**
 * Sends `fetch` calls for the addresses in `map` elsewhere. Better Auth has no
 * option for a provider's token and profile endpoints.
 */
export function redirectFetch(map) {
	const fetch = globalThis.fetch;
	globalThis.fetch = (input, init) => {
		const url = String(input instanceof Request ? input.url : input);
		return fetch(map[url] ?? input, init);
	};
}
