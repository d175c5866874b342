// The little HTTP that the stand-ins share.

import { readFileSync } from "node:fs";

// The look is that of the stack's own pages.
const icon = readFileSync(new URL("../../src/gateway/pages/icon.svg", import.meta.url), "utf8");
const style = ["../../src/gateway/pages/base.css", "../provider.css"]
	.map((path) => readFileSync(new URL(path, import.meta.url), "utf8"))
	.join("\n");

const FORM_LIMIT = 16 * 1024;

export function reply(response, status, type, body, headers = {}) {
	response.writeHead(status, {
		"content-type": type,
		"cache-control": "no-store",
		"x-content-type-options": "nosniff",
		"referrer-policy": "no-referrer",
		...headers,
	});
	response.end(body);
}

export function json(response, status, body) {
	reply(response, status, "application/json", JSON.stringify(body));
}

export function redirect(response, to) {
	reply(response, 303, "text/plain", "", { location: to });
}

/**
 * A page. Its form may lead to `app` beside this origin: browsers hold the
 * policy against what a form's answer redirects to, too.
 */
export function sendPage(response, status, html, app = "") {
	const policy = `default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' ${app}; base-uri 'none'; frame-ancestors 'none'`;
	reply(response, status, "text/html; charset=utf-8", html, { "content-security-policy": policy });
}

export function serveStyle(response) {
	reply(response, 200, "text/css; charset=utf-8", style);
}

export function serveIcon(response) {
	reply(response, 200, "image/svg+xml", icon);
}

/** The fields of a form, or `null` if it is none, or too long. */
export async function form(request) {
	if (!(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded")) return null;
	const chunks = [];
	let length = 0;
	for await (const chunk of request) {
		length += chunk.length;
		if (length > FORM_LIMIT) return null;
		chunks.push(chunk);
	}
	return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString("utf8")));
}
