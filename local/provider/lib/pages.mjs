// The pages of the stand-ins. None has a script.

import { people } from "./people.mjs";

/** Where a person says who they are. */
export function consent(settings, scope) {
	const { name, standsIn } = settings;
	const app = new URL(settings.app).host;
	const main = `
<p class="stamp"><span class="mark" aria-hidden="true">${escape(name[0])}</span>${standsIn ? `stand-in for ${escape(name)}` : `${escape(name)}, a provider of your own`}</p>
<h1>Who are you?</h1>
<p>You go back to <strong>${escape(app)}</strong>, which learns your name and your address. No password is asked for: this page is a part of the demo${standsIn ? `, and nothing of it is ${escape(name)}’s` : ""}.</p>
<form method="post">
<ul class="people">
${people(settings.user).map(choice).join("\n")}
</ul>
</form>
<details class="other">
<summary>Somebody else</summary>
<form method="post">
<p><label for="email">E-mail address</label><input id="email" name="email" type="email" required autocomplete="off" maxlength="254"></p>
<p><label for="name">Name</label><input id="name" name="name" autocomplete="off" maxlength="100"></p>
<p><label class="check"><input type="checkbox" name="verified" value="yes" checked> ${escape(name)} has verified the address</label></p>
<p><button name="person" value="other">Continue</button></p>
</form>
</details>
<form class="end" method="post"><button class="quiet" name="person" value="nobody">Cancel, and give no consent</button></form>
${scope ? `<p class="scope">Asked for: <code>${escape(scope)}</code></p>` : ""}`;
	return page(`${name} (stand-in)`, main);
}

function choice({ name, email, verified, note }) {
	const initials = name.split(" ").map((word) => word[0]).join("").slice(0, 2);
	const remark = verified ? note : "address not verified";
	return `<li><button name="person" value="${escape(email)}">
<span class="initials" aria-hidden="true">${escape(initials)}</span>
<span class="who"><span class="name">${escape(name)}</span><span class="address">${escape(email)}</span>${remark ? `<span class="remark${verified ? "" : " warns"}">${escape(remark)}</span>` : ""}</span>
</button></li>`;
}

/** What this server is. */
export function index({ app }) {
	return page(
		"Providers of the demo",
		`<h1>Providers of the demo</h1>
<p>This server stands in for Google and GitHub on this machine, and is a third provider, Acme, which the service knows by its issuer alone. It is asked by <a href="${escape(app)}">${escape(app)}</a>.</p>
<dl>
<dt>Google</dt><dd><a href="/google/.well-known/openid-configuration">its discovery document</a></dd>
<dt>GitHub</dt><dd><code>/github/login/oauth/authorize</code>, <code>/github/login/oauth/access_token</code>, <code>/github/api</code></dd>
<dt>Acme</dt><dd><a href="/acme/.well-known/openid-configuration">its discovery document</a></dd>
</dl>`,
	);
}

/** Something went wrong. */
export function problem(title, text) {
	return page(title, `<h1>${escape(title)}</h1>\n<p>${escape(text)}</p>`);
}

function page(title, main) {
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
</head>
<body class="provider">
<main>
${main}
</main>
</body>
</html>
`;
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escape(text) {
	return String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
