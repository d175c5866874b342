// A case: { name, run(t, { provider }), needsProvider? }. `run` is called once
// for each server, with a Session (lib/target.mjs), and makes its requests
// through it; everything it records is compared.

import account from "./account.mjs";
import accounts from "./accounts.mjs";
import bodies from "./bodies.mjs";
import callback from "./callback.mjs";
import changeEmail from "./change-email.mjs";
import client from "./client.mjs";
import clientFunctions from "./client-functions.mjs";
import idToken from "./id-token.mjs";
import magicLink from "./magic-link.mjs";
import oauth from "./oauth.mjs";
import origins from "./origins.mjs";
import passwordReset from "./password-reset.mjs";
import redirectTargets from "./redirect-targets.mjs";
import routing from "./routing.mjs";
import session from "./session.mjs";
import sessions from "./sessions.mjs";
import signIn from "./sign-in.mjs";
import signOut from "./sign-out.mjs";
import signUp from "./sign-up.mjs";
import social from "./social.mjs";
import verificationRequired from "./verification-required.mjs";
import verifyEmail from "./verify-email.mjs";
import twoFactor from "./two-factor.mjs";

export const cases = [
	...signUp,
	...signIn,
	...bodies,
	...session,
	...signOut,
	...sessions,
	...account,
	...accounts,
	...social,
	...callback,
	...oauth,
	...idToken,
	...passwordReset,
	...magicLink,
	...verifyEmail,
	...changeEmail,
	...origins,
	...redirectTargets,
	...routing,
	...twoFactor,
	...client,
	...clientFunctions,
];

/** For servers that were started with verification required. */
export const requiredCases = verificationRequired;

const names = [...cases, ...requiredCases].map(({ name }) => name);
const twice = names.find((name, index) => names.indexOf(name) !== index);
if (twice) throw new Error(`two cases are named "${twice}"`);
