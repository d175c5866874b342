// Answers with what it was told, and rewrites /api/auth/* as a front end does.
// A process beside it does nothing but live.

import { spawn } from "node:child_process";
import { createServer, request as send } from "node:http";

const { AUTH_API_URL, AUTH_PROXY_SECRET, NEXT_PUBLIC_API_URL, PORT } = process.env;
const idle = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);

createServer((request, response) => {
	if (request.url === "/end") process.exit(3);
	if (request.url.startsWith("/api/auth/")) {
		const headers = { ...request.headers, host: new URL(AUTH_API_URL).host };
		const onward = send(AUTH_API_URL + request.url, { method: request.method, headers }, (answer) => {
			response.writeHead(answer.statusCode, answer.rawHeaders);
			answer.pipe(response);
		});
		return request.pipe(onward);
	}
	const told = JSON.stringify({ AUTH_API_URL, NEXT_PUBLIC_API_URL, secret: AUTH_PROXY_SECRET, idle: idle.pid });
	response.writeHead(200, { "content-type": "application/json", "content-length": told.length }).end(told);
}).listen(Number(PORT), "localhost");
