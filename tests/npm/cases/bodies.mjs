// How a body is read, on every route that takes one.

import { each } from "../lib/cases.mjs";

const ROUTES = ["/sign-up/email", "/sign-in/email", "/sign-in/social", "/sign-out", "/request-password-reset", "/reset-password", "/callback/google"];

const MEDIA_TYPES = {
	"text/plain": "text/plain",
	"text/plain with charset": "text/plain;charset=UTF-8",
	multipart: "multipart/form-data; boundary=x",
	form: "application/x-www-form-urlencoded",
	"JSON with charset": "application/json; charset=utf-8",
	"JSON in capitals": "Application/JSON",
	"JSON suffix": "application/vnd.api+json",
	"JSON prefix": "application/jsonx",
	"JSON twice": "application/json, application/json",
	"a word": "json",
};

const BODIES = {
	"not JSON": "{",
	"text after JSON": "{}x",
	NaN: "NaN",
	"single quotes": "{'a':1}",
	"trailing comma": "{\"a\":1,}",
	comment: "{/**/}",
	null: "null",
	"empty list": "[]",
	"list of values": "[\"a@ex.com\",\"password-1\",\"//evil.example\"]",
	text: "\"x\"",
	number: "1",
	boolean: "true",
	"space around": " \r\n{} \t",
	"only space": "  ",
	"empty object": "{}",
};

const STRICT = {
	"duplicate key": "{\"email\":\"a@ex.com\",\"email\":\"b@ex.com\",\"name\":\"n\",\"password\":\"password-1\",\"provider\":\"nope\",\"newPassword\":\"password-1\"}",
	"byte order mark": "\ufeff{}",
};

export default ROUTES.flatMap((route) => [
	...each(`body of ${route}`, MEDIA_TYPES, (t, type) => t.post(route, "{}", { headers: { "content-type": type } })),
	{ name: `body of ${route}: no content type`, run: (t) => t.send({ method: "POST", path: route, body: "{}" }) },
	{ name: `body of ${route}: empty content type`, run: (t) => t.post(route, "{}", { headers: { "content-type": "" } }) },
	{ name: `body of ${route}: none`, run: (t) => t.send({ method: "POST", path: route }) },
	{ name: `body of ${route}: none, of type JSON`, run: (t) => t.post(route, undefined) },
	{ name: `body of ${route}: none, of type text`, run: (t) => t.post(route, undefined, { headers: { "content-type": "text/plain" } }) },
	...each(`body of ${route}`, BODIES, (t, body) => t.post(route, body)),
	...each(`body of ${route}`, STRICT, (t, body) => t.post(route, body, { differs: "strict JSON" })),
	{ name: `body of ${route}: 70 KB`, run: (t) => t.post(route, { email: "a@ex.com", padding: "x".repeat(70_000) }, { differs: "body too large" }) },
	{ name: `body of ${route}: 60 KB`, run: (t) => t.post(route, { padding: "x".repeat(60_000) }) },
]);
