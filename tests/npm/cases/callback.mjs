// What needs no provider: a callback that fails before a code is exchanged.

import { each } from "../lib/cases.mjs";

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const STARTS = { google: "google", github: "github" };

export default [
	...each("callback: no flow behind it", {
		nothing: "/callback/google",
		"no state": "/callback/google?code=x",
		"empty state": "/callback/google?state=&code=x",
		"unknown state": "/callback/google?state=unknown&code=x",
		"unknown state, no code": "/callback/google?state=unknown",
		"unknown state, error": "/callback/google?state=unknown&error=access_denied&error_description=No%20way",
		"error alone": "/callback/google?error=access_denied",
		"unknown provider": "/callback/nope",
		"unknown provider and state": "/callback/nope?state=unknown&code=x",
		"state twice": "/callback/google?state=a&state=b",
		"code twice": "/callback/google?state=a&code=b&code=c",
		"everything twice": "/callback/google?state=a&state=b&code=a&code=b&error=a&error=b&iss=a&iss=b",
		"long state": `/callback/google?state=${"x".repeat(3000)}`,
		"state with NUL": "/callback/google?state=%00&code=x",
		"unknown parameter": "/callback/google?foo=bar",
	}, (t, path) => t.get(path)),
	...each("callback: garbage state cookie", { signed: "x.y", empty: "", plain: "unknown" }, (t, value) =>
		t.get("/callback/google?state=unknown&code=x", { headers: { cookie: `better-auth.state=${value}` } }),
	),
	...each("callback: state without its cookie", STARTS, async (t, provider) => {
		const { state } = await t.startSocial({ provider, errorCallbackURL: "/oops?x=1#y" });
		await t.get(`/callback/${provider}?code=x&state=${state}`);
		await t.get(`/callback/${provider}?error=access_denied&state=${state}`);
	}),
	{
		name: "callback: state with the cookie of another flow",
		async run(t) {
			const { state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
			await t.startSocial({ provider: "google", errorCallbackURL: "/other" });
			await t.browser.get(`/callback/google?code=x&state=${state}`);
		},
	},
	...each("callback: the provider reports an error", {
		"relative URL with a query": "/oops?x=1",
		"trusted URL": "https://app.example.com/oops",
		"no errorCallbackURL": undefined,
		"empty errorCallbackURL": "",
	}, async (t, errorCallbackURL) => {
		const { state } = await t.startSocial({ provider: "google", errorCallbackURL });
		await t.browser.get(`/callback/google?error=access_denied&state=${state}`);
		await t.browser.get(`/callback/google?error=access_denied&state=${state}`);
	}),
	{
		name: "callback: the provider reports an error, without description",
		async run(t) {
			const { state } = await t.startSocial({ provider: "github", errorCallbackURL: "/oops" });
			await t.browser.get(`/callback/github?error=server_error&state=${state}`);
		},
	},
	{
		name: "callback: the provider reports an error, with description",
		async run(t) {
			const { state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
			await t.browser.get(`/callback/google?error=access_denied&error_description=No%20way&state=${state}`, { differs: "no words of the provider" });
		},
	},
	...each("callback: an error that no provider has", { "a word": "whatever", markup: "<script>", "line break": "a\r\nb", long: "x".repeat(2000) }, async (t, error) => {
		const { state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
		await t.browser.get(`/callback/google?error=${encodeURIComponent(error)}&state=${state}`, { differs: "no codes of strangers" });
	}),
	{
		name: "callback: an error wins over a code",
		async run(t) {
			const { state } = await t.startSocial({ provider: "github", errorCallbackURL: "/oops" });
			await t.browser.get(`/callback/github?code=x&error=access_denied&state=${state}`);
		},
	},
	...each("callback: no code", STARTS, async (t, provider) => {
		const { state } = await t.startSocial({ provider, errorCallbackURL: "/oops" });
		await t.browser.get(`/callback/${provider}?state=${state}`);
	}),
	{
		name: "callback: empty code",
		async run(t) {
			const { state } = await t.startSocial({ provider: "google", errorCallbackURL: "/oops" });
			await t.browser.get(`/callback/google?code=&state=${state}`);
		},
	},
	...each("callback: POST becomes GET", {
		"code and state": ["", "code=x&state=y"],
		"unknown fields are dropped": ["", "code=x&state=y&foo=bar&user=%7B%7D&iss=z&device_id=d"],
		"an error": ["", "error=a%20b&error_description=c%26d&state=y"],
		"query over body": ["?state=q&foo=1", "code=x&state=y"],
		"empty form": ["", ""],
	}, (t, [query, body]) => t.post(`/callback/google${query}`, body, { headers: FORM })),
	...each("callback: POST of JSON", { "code and state": { code: "x", state: "y" }, "wrong types": { code: 1, state: [], error: null }, "empty values": { code: "", state: "" } }, (t, body) => t.post("/callback/google", body)),
	...each("callback: POST with a cookie", { "from the provider": "https://accounts.google.com", "from null": "null", "from here": undefined }, (t, origin) =>
		t.post("/callback/google", "code=x&state=y", { headers: { ...FORM, cookie: "a=b", origin: origin ?? t.origin } }),
	),
	{ name: "callback: POST to an unknown provider", run: (t) => t.post("/callback/nope", "code=x", { headers: FORM }) },
];
