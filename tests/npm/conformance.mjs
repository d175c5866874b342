// The same requests to the service and to better-auth from npm; the answers must
// agree but for what differences.mjs lists.
//
//   node conformance.mjs OURS_URL PEER_URL [--only TEXT] [--self] [--verbose]
//       [--verification-required]
//
//   OURS_URL, PEER_URL  origins, or base URLs such as http://localhost:3000/api/auth
//   --only TEXT         only cases whose name contains TEXT
//   --self              OURS_URL is a better-auth too (to test this harness)
//   --verbose           show the answers of each case
//   --verification-required
//                       the cases for servers that require verified addresses
//
// Environment:
//   MAIL_URL            mails of OURS, when not at /__mail.json of its origin
//   OAUTH_PROVIDER_URL  the running idp.mjs that both servers use for Google and
//                       GitHub; without it the cases that need it are skipped
//
// Both servers must trust lib/settings.mjs' trustedOrigins, know its OAuth
// clients and have rate limits off. One line per case, a summary last; the exit
// code is 1 when a case failed, 2 for wrong usage.

import { parseArgs } from "node:util";
import { cases, requiredCases } from "./cases/index.mjs";
import { compare } from "./lib/compare.mjs";
import { closeConnections } from "./lib/http.mjs";
import { Session, Target } from "./lib/target.mjs";

const PARALLEL = 4;

const { values: options, positionals } = parseArgs({
	allowPositionals: true,
	options: { only: { type: "string" }, self: { type: "boolean" }, verbose: { type: "boolean" }, "verification-required": { type: "boolean" } },
});
if (positionals.length !== 2) {
	console.error("usage: node conformance.mjs OURS_URL PEER_URL [--only TEXT] [--self] [--verbose]");
	process.exit(2);
}

const provider = process.env.OAUTH_PROVIDER_URL;
const run = Date.now().toString(36);
const ours = new Target({
	name: "ours",
	url: positionals[0],
	profile: options.self ? "better-auth" : "lambda-auth",
	mailURL: process.env.MAIL_URL,
	run,
});
const peer = new Target({ name: "peer", url: positionals[1], profile: "better-auth", run });
await Promise.all([ours.prepare(), peer.prepare()]);

const selected = (options["verification-required"] ? requiredCases : cases).filter(({ name }) => name.includes(options.only ?? ""));
const results = await inOrder(selected, PARALLEL, runCase, report);
const count = (outcome) => results.filter((result) => result === outcome).length;
if (count("skipped")) console.log(`${count("skipped")} skipped: they need OAUTH_PROVIDER_URL`);
console.log(`${count("ok")} passed, ${count("FAIL")} failed`);
closeConnections();
process.exitCode = count("FAIL") || !count("ok") ? 1 : 0;

async function runCase({ name, run, needsProvider }) {
	if (needsProvider && !provider) return { name, outcome: "skipped" };
	const sessions = [new Session(ours, name), new Session(peer, name)];
	const errors = await Promise.all(sessions.map((session) => attempt(run, session)));
	const complaints = [...compare(...sessions), ...errors.flat()];
	const answers = options.verbose ? sessions[0].steps.map(({ label, answer }) => `(${label} -> ${JSON.stringify(answer)})`) : [];
	return { name, outcome: complaints.length ? "FAIL" : "ok", lines: [...answers, ...complaints] };
}

/** @returns {Promise<string[]>} what went wrong other than a difference */
async function attempt(run, session) {
	try {
		await run(session, { provider });
		return [];
	} catch (error) {
		return [`${session.target.name}: ${error.stack.split("\n").slice(0, 3).join(" ")}`];
	}
}

function report({ name, outcome, lines = [] }) {
	if (outcome !== "skipped") console.log(`${outcome} ${name}`);
	for (const line of lines) console.log(`    ${line}`);
	return outcome;
}

/** Works on a few items at a time; hands over the results in the order of the items. */
async function inOrder(items, parallel, work, done) {
	const pending = [];
	const results = [];
	for (const item of items) {
		pending.push(work(item));
		if (pending.length === parallel) results.push(done(await pending.shift()));
	}
	for (const rest of pending) results.push(done(await rest));
	return results;
}
