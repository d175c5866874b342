// Which redirect targets are accepted, in every place that takes one.

const TARGETS = [
	// Paths.
	"/", "/a", "/a/b?c=d&e=f#g", "/a?next=https://evil.example", "/a?b=%2F%2Fevil.example", "/a#//evil.example", "/a//b", "/a/../b", "/..", "/%2e%2e/a", "/a%20b", "/é", "/a b", "/@evil.example", "/a@b", "/:80", "/a:b", "/?", "/#", "/*", "/a;b=c", "/%", "/%zz", "/a+b", "/<script>", "/a\"b", "/a'b", "/😀", "/a%00", "/a%0d%0aSet-Cookie:x", "/a%2f", "/a%2Fb", "/%2F/evil.example", "/%5Cevil.example", "/%5c", "/a?x=%5C", "/a?x=\\", "/a#\\",
	"//evil.example", "///evil.example", "////evil.example", "//", "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example", "/ /evil.example", "/\u0000", "/\u007f", "/\u0085/evil.example", "/\u200b/evil.example", "/\u3002evil.example", "/.//evil.example", "/../..//evil.example", "/a\\..\\b", "/\u2215/evil.example", "/／evil.example", "//app.example.com/a", "//{host}/a",
	// Not a URL.
	"a", "a/b", "./a", "../a", "?a=b", "#a", " ", " /a", "/a ", "\t/a", "null", "undefined", "false", "0", ".", "evil.example", "app.example.com", "app.example.com/a", "{host}", "localhost",
	// The server's own origin.
	"{origin}", "{origin}/", "{origin}/a?b#c", "{origin}:80/", "{origin}@evil.example", "{origin}.evil.example", "{origin}\\@evil.example", "{origin}%2f@evil.example", "{origin}//evil.example", "https://{host}/", "http://LOCALHOST/", "http://localhost:1/", "http:{host}/a", "http:/{host}/a", "http:///{host}/a", "HTTP://{host}/a", "http://{host}", "http://user@{host}/", "http://user:pw@{host}/a", "http://127.0.0.1/", "http://[::1]/", "http://0/", "http://localhost./",
	// A trusted origin.
	"https://app.example.com", "https://app.example.com/", "https://app.example.com/a?b=https://evil.example#c", "https://APP.EXAMPLE.COM/a", "https://app.example.com:443/a", "https://app.example.com:444/a", "https://app.example.com./a", "http://app.example.com/a", "https:app.example.com/a", "https:/app.example.com", "https:\\\\app.example.com", "https:///app.example.com", "https://app.example.com\\@evil.example/", "https://app.example.com@evil.example/", "https://app.example.com%40evil.example/", "https://evil.example@app.example.com/", "https://app.example.com.evil.example/", "https://app.example.comevil.example/", "https://evil-app.example.com/", "https://example.com/", "https://sub.app.example.com/", "https://evil.example/https://app.example.com", "https://evil.example?https://app.example.com", "https://evil.example#https://app.example.com", "https://evil.example\\https://app.example.com", "https://app.example.com\u0000.evil.example/", "https://app.example.com\t/a", " https://app.example.com/", "https://app.example.com/\r\nSet-Cookie: a=b", "https://app.example.com/%0d%0aa", "https://аpp.example.com/", "https://app。example.com/", "https://app.example.com/../..//evil.example", "ftp://app.example.com/", "ws://app.example.com/", "blob:https://app.example.com/x", "view-source:https://app.example.com", "filesystem:https://app.example.com/x",
	// A trusted pattern.
	"https://a.preview.example.com/x", "https://a.b.preview.example.com/", "https://preview.example.com/", "https://.preview.example.com/", "https://a.preview.example.com:8443/", "http://a.preview.example.com/", "https://a.preview.example.com.evil.example/", "https://evil.example/.preview.example.com", "https://evil.example?.preview.example.com", "https://evil.example#.preview.example.com", "https://evil.example\\.preview.example.com", "https://evil.example/a.preview.example.com", "https://evil.example%2f.preview.example.com/", "https://evil.example@a.preview.example.com/", "https://a.preview.example.com@evil.example/", "https://*.preview.example.com/", "https://a*b.preview.example.com/", "https://A.PREVIEW.example.com/", "https://a_b.preview.example.com/", "https://a..preview.example.com/",
	// Elsewhere.
	"https://evil.example", "https://evil.example/a", "http://evil.example", "https:evil.example", "https:/evil.example", "https:\\evil.example", "https:///evil.example", "HtTpS://evil.example", "//evil.example@app.example.com", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "java\nscript:alert(1)", " javascript:alert(1)", "javascript://app.example.com/%0aalert(1)", "javascript:https://app.example.com", "data:text/html,x", "data:text/html;base64,eA==", "vbscript:x", "file:///etc/passwd", "mailto:a@ex.com", "about:blank", "myapp://callback", "myapp:callback", "intent://x#Intent;end", "urn:x", "http:", "http://", "https://", "https://?", "://evil.example", "http//evil.example", "https://evil.example:0", "https://evil.example:99999", "https://[evil]", "https://%65vil.example", "https://1.1.1.1", "https://0x7f.1", "https://2130706433", "https://xn--pp-6kc.example.com/", "*", "https://*", "https://*.com", `https://evil.example/${"a".repeat(5000)}`, `/${"a".repeat(5000)}`,
];

// With bodies that are refused for another reason later, so that nothing is done.
const PLACES = [
	(t, target, options) => t.post("/sign-in/email", { email: "bad", password: "x", callbackURL: target }, options),
	(t, target, options) => t.post("/sign-up/email", { name: "x", email: "bad", password: "x", callbackURL: target }, options),
	(t, target, options) => t.post(`/sign-in/email?callbackURL=${encodeURIComponent(target)}`, { email: "bad", password: "x" }, options),
	(t, target, options) => t.get(`/reset-password/unknown?callbackURL=${encodeURIComponent(target)}`, options),
	(t, target, options) => t.post("/sign-in/social", { provider: "nope", callbackURL: target }, options),
	(t, target, options) => t.post("/sign-in/social", { provider: "nope", errorCallbackURL: target }, options),
	(t, target, options) => t.post("/sign-in/social", { provider: "nope", newUserCallbackURL: target }, options),
	(t, target, options) => t.post("/sign-in/magic-link", { email: "bad", newUserCallbackURL: target }, options),
	(t, target, options) => t.get(`/magic-link/verify?token=unknown&callbackURL=${encodeURIComponent(target)}`, options),
	(t, target, options) => t.get(`/magic-link/verify?token=unknown&errorCallbackURL=${encodeURIComponent(target)}`, options),
	(t, target, options) => t.post("/request-password-reset", { email: "bad", redirectTo: target }, options),
];

export default TARGETS.map((target) => ({
	name: `redirect target: ${shown(target)}`,
	async run(t) {
		const here = target.replace("{origin}", t.origin).replace("{host}", new URL(t.origin).host);
		const options = { differs: difference(target) };
		for (const place of PLACES) await place(t, here, options);
	},
}));

/** Better Auth accepts these kinds; it refuses all others that are alike. */
function difference(target) {
	if (/^https:\/\/app\.example\.com.*[\t\r\n]/.test(target) || /^\/[^?#]*%(0|1|7f)/i.test(target)) return "redirect target in one line";
	if (/^\/\.[./]*\/\//.test(target)) return "redirect target on one host";
	if (/^\/a{3000}/.test(target)) return "redirect target too long";
}

function shown(target) {
	const text = JSON.stringify(target).replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
	return text.length > 100 ? `${text.slice(0, 60)}… (${target.length})` : text;
}
