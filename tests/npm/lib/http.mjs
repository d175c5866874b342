// Requests without anything added on the way: `fetch` of Node sends
// `sec-fetch-mode` and `accept-language` by itself, normalises paths and hides
// `set-cookie`, all of which matter here.

import http from "node:http";
import https from "node:https";

const agents = { "http:": new http.Agent({ keepAlive: true }), "https:": new https.Agent({ keepAlive: true }) };

/**
 * @param {string} origin such as http://localhost:3000
 * @param {{ method?: string, path?: string, headers?: Record<string, string>, body?: string | Uint8Array }} request
 * @returns {Promise<{ status: number, headers: Record<string, string>, cookies: string[], body: string }>}
 */
export function send(origin, { method = "GET", path = "/", headers = {}, body }) {
	const { protocol, hostname, port } = new URL(origin);
	const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
	const options = { method, hostname, port, path, headers: { ...length, ...headers }, agent: agents[protocol] };
	return new Promise((resolve, reject) => {
		const request = (protocol === "https:" ? https : http).request(options, (response) => {
			const chunks = [];
			response.on("data", (chunk) => chunks.push(chunk));
			response.on("error", reject);
			response.on("end", () => {
				const { "set-cookie": cookies = [], ...rest } = response.headers;
				resolve({ status: response.statusCode, headers: rest, cookies, body: Buffer.concat(chunks).toString("utf8") });
			});
		});
		request.on("error", reject);
		request.end(body);
	});
}

/** Lets idle connections not keep the process alive. */
export function closeConnections() {
	for (const agent of Object.values(agents)) agent.destroy();
}
