// The Lambda Runtime API loop, as AWS' runtime for Node runs it: load the
// function, then take and answer one invocation after the other.
//
//   AWS_LAMBDA_RUNTIME_API=HOST:PORT NODE_ENV=production node bootstrap.mjs
//
// `npm run build` comes before.

import http from "node:http";

process.env.NODE_ENV ??= "production";
const { handler } = await import("./dist/index.mjs");

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

for (;;) {
	const { headers, body } = await call("GET", "next");
	const id = headers["lambda-runtime-aws-request-id"];
	try {
		await call("POST", `${id}/response`, JSON.stringify(await handler(JSON.parse(body))));
	} catch ({ name, message, stack }) {
		const trace = stack?.split("\n") ?? [];
		await call("POST", `${id}/error`, JSON.stringify({ errorType: name, errorMessage: message, trace }));
	}
}

function call(method, path, body) {
	return new Promise((resolve, reject) => {
		const headers = body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
		const options = { method, hostname, port, path: `/2018-06-01/runtime/invocation/${path}`, headers, agent };
		const request = http.request(options, (response) => {
			const chunks = [];
			response.on("data", (chunk) => chunks.push(chunk));
			response.on("error", reject);
			response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
		});
		// Small messages: do not wait to fill packets. The wait in `next` has no limit.
		request.setNoDelay(true);
		request.on("error", reject);
		request.end(body);
	});
}
