// Users of better-auth as npm has it, as lines for the import: signed up with
// its own hash, and exported as the documentation says.
//
//   node export.mjs EMAIL PASSWORD [EMAIL PASSWORD …]

process.env.BETTER_AUTH_TELEMETRY = "0";

const { betterAuth } = await import("better-auth");
const { memoryAdapter } = await import("better-auth/adapters/memory");

const database = { user: [], session: [], account: [], verification: [] };
const auth = betterAuth({
	baseURL: "http://localhost:3000",
	secret: "a-secret-for-tests-of-more-than-32-bytes",
	database: memoryAdapter(database),
	emailAndPassword: { enabled: true },
	telemetry: { enabled: false },
	logger: { disabled: true },
});

const people = process.argv.slice(2);
for (let at = 0; at < people.length; at += 2) {
	const [email, password] = people.slice(at);
	await auth.api.signUpEmail({ body: { name: "Ann", email, password } });
}
for (const user of database.user) {
	const accounts = database.account.filter(({ userId }) => userId === user.id);
	console.log(JSON.stringify({ ...user, accounts }));
}
