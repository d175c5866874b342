import { each } from "../lib/cases.mjs";

// What no route answers is the gateway's business: only the status is compared,
// since its body is `{"message":"Not Found"}` and Better Auth's is empty.
const NOWHERE = {
	"unknown path": ["GET", "/nope"],
	"unknown path, POST": ["POST", "/nope"],
	"the base path": ["GET", ""],
	"the base path with a slash": ["GET", "/"],
	"trailing slash": ["GET", "/ok/"],
	"trailing slash, POST": ["POST", "/sign-out/"],
	"double slash": ["GET", "//ok"],
	"another case": ["GET", "/OK"],
	"path parameter of a matrix": ["GET", "/ok;x=1"],
	"GET of a POST route": ["GET", "/sign-in/email"],
	"GET of sign-out": ["GET", "/sign-out"],
	"POST of a GET route": ["POST", "/ok"],
	"POST of token": ["POST", "/token"],
	"POST of error": ["POST", "/error"],
	PUT: ["PUT", "/sign-in/email"],
	DELETE: ["DELETE", "/sign-out"],
	PATCH: ["PATCH", "/get-session"],
	HEAD: ["HEAD", "/ok"],
	"HEAD of get-session": ["HEAD", "/get-session"],
	"HEAD of a reset link": ["HEAD", "/reset-password/x?callbackURL=%2Fa"],
	"HEAD of a callback": ["HEAD", "/callback/google?state=x"],
	"reset link without a token": ["GET", "/reset-password/?callbackURL=%2Fa"],
	"reset link with two": ["GET", "/reset-password/a/b?callbackURL=%2Fa"],
	"callback without a provider": ["GET", "/callback/"],
	"set-password": ["POST", "/set-password"],
	"forget-password": ["POST", "/forget-password"],
};

export default [
	...each("no route", NOWHERE, (t, [method, path]) => t.send({ method, path, only: ["status"] })),
	{ name: "no route: percent-encoded", run: (t) => t.get("/%6fk", { only: ["status"], differs: "paths are decoded" }) },
	{ name: "no route: outside the base path", run: (t) => t.send({ at: "/elsewhere", only: ["status"] }) },
	{
		name: "no route: before any other check",
		run: (t) => t.post("/nope", "x", { headers: { "content-type": "text/plain", cookie: "a=b", origin: "https://evil.example" }, only: ["status"] }),
	},
	{ name: "no route: a method override is ignored", run: (t) => t.get("/sign-out", { headers: { "x-http-method-override": "POST" }, only: ["status"] }) },
	{ name: "ok", run: (t) => t.get("/ok") },
	{ name: "ok: a query is ignored", run: (t) => t.get("/ok?x=1&x=2&callbackURL=//evil.example") },
	...each("error page", { plain: "", code: "?error=state_mismatch", "code and description": "?error=access_denied&error_description=No%20way", markup: "?error=%3Cscript%3Ealert(1)%3C/script%3E&error_description=%22%3E%3Cimg%20src=x%3E", twice: "?error=a&error=b" }, async (t, query) => {
		const { body } = await t.get(`/error${query}`, { only: ["status", "headers"] });
		t.check(!/<script>alert|<img src=x/.test(body), "markup is not escaped");
	}),
];
