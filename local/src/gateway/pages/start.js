// The start page: sends the forms as JSON, and shows what comes back.

import { relative, local, showTimes } from "./times.js";

const $ = (id) => document.getElementById(id);

/** Headers that say something about this service. */
const TOLD = ["content-type", "cache-control", "set-auth-jwt", "set-auth-token", "retry-after", "x-retry-after", "location", "apigw-requestid"];

let token = null;

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    await send(form).finally(() => button.removeAttribute("aria-busy"));
  });
}

async function send(form) {
  const { method, path } = form.dataset;
  const request = { method };
  if (method !== "GET") {
    const fields = [...new FormData(form)].filter(([, value]) => value !== "");
    request.headers = { "content-type": "application/json" };
    request.body = JSON.stringify(Object.fromEntries(fields));
  }
  const begun = performance.now();
  let response, text;
  try {
    response = await fetch(path, request);
    text = await response.text();
  } catch {
    $("status").replaceChildren(pill("no answer", false), element("span", `${method} ${path}`));
    $("answer-details").hidden = true;
    return;
  }
  const milliseconds = Math.round(performance.now() - begun);
  const status = `${response.status} ${response.statusText}`.trim();
  const asked = element("code", `${method} ${path}`);
  const took = element("span", `${milliseconds} ms`);
  took.className = "soft";
  $("status").replaceChildren(pill(status, response.ok), asked, took);
  showAnswer(response, text);
  bringIntoView($("status"));
  $("curl").textContent = curl(method, path, request.body);
  if (method !== "GET") whoIsThere();
  // A mail may follow the answer.
  refreshMails();
  setTimeout(refreshMails, 1500);
}

function showAnswer(response, text) {
  const body = json(text);
  $("answer-details").hidden = false;
  $("body").textContent = text === "" ? "(empty)" : body === undefined ? text : JSON.stringify(body, null, 2);
  const told = TOLD.filter((name) => response.headers.has(name)).map((name) => [name, response.headers.get(name)]);
  showPairs($("headers"), told);
  $("cookies").textContent = "Cookies that it sets are HttpOnly: the browser keeps them, and no script can read them.";
  follow(body?.url);
  const newToken = response.headers.get("set-auth-jwt") ?? body?.token;
  if (isJwt(newToken)) showToken(newToken);
}

/** On a narrow screen the answer is below the forms. */
function bringIntoView(shown) {
  if (shown.getBoundingClientRect().bottom > innerHeight) shown.scrollIntoView({ block: "center" });
}

/** A link to where the answer leads: a provider, for instance. */
function follow(url) {
  const leads = typeof url === "string" && /^https?:\/\//.test(url);
  $("follow").hidden = !leads;
  if (!leads) return;
  const link = element("a", `Go to ${new URL(url).host}`);
  link.className = "button";
  link.href = url;
  $("follow").replaceChildren(link);
}

// The access token.

const isJwt = (text) => typeof text === "string" && text.split(".").length === 3 && decoded(text.split(".")[0]) !== undefined;

function decoded(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

const MEANINGS = {
  sub: "the user",
  sid: "the session",
  iss: "who made it",
  aud: "whom it is for",
  iat: "made",
  nbf: "good from",
  exp: "expires",
  jti: "its own id",
  kid: "version of the secret that signs it",
  typ: "an access token, and nothing else",
};

function showToken(jwt) {
  const [header, claims] = jwt.split(".").map(decoded);
  token = { claims: claims ?? {} };
  $("token-none").hidden = true;
  $("token-details").hidden = false;
  $("token-raw").textContent = jwt;
  showPairs($("token-header"), Object.entries(header), MEANINGS);
  showPairs($("token-claims"), Object.entries(token.claims), MEANINGS);
  showLife();
}

function showLife() {
  if (!token) return;
  const now = Date.now() / 1000;
  const over = token.claims.exp <= now;
  const life = over ? `Expired ${relative(token.claims.exp - now)}` : `Good until ${local(token.claims.exp)}: expires ${relative(token.claims.exp - now)}`;
  $("token-life").textContent = life;
  $("token-life").classList.toggle("over", over);
  for (const time of document.querySelectorAll("[data-seconds]")) time.textContent = inWords(Number(time.dataset.seconds));
}
setInterval(showLife, 1000);

const inWords = (seconds) => `${local(seconds)}, ${relative(seconds - Date.now() / 1000)}`;

// Who is signed in, by the cookies of this browser.

async function whoIsThere() {
  const response = await fetch("/api/auth/get-session").catch(() => null);
  const session = response?.ok ? json(await response.text()) : undefined;
  if (session === undefined) return $("who").replaceChildren();
  if (!session?.user) return ($("who").textContent = "Nobody is signed in with this browser");
  const name = element("strong", session.user.name || session.user.email);
  const address = ` ${session.user.email}${session.user.emailVerified ? "" : ", not verified"}`;
  $("who").replaceChildren("Signed in: ", name, address);
}

// Mail, as the page itself shows it.

async function refreshMails() {
  const response = await fetch("/").catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const mails = page.getElementById("last-mails");
  if (!mails || mails.textContent === shownMails) return;
  shownMails = mails.textContent;
  showTimes(mails);
  $("last-mails").replaceChildren(...mails.childNodes);
}
let shownMails = $("last-mails").textContent;

// Routes.

$("filter").addEventListener("input", ({ target }) => {
  const wanted = target.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll(".routes tbody tr")) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
    shown += row.hidden ? 0 : 1;
  }
  $("filtered").textContent = `${shown} ${shown === 1 ? "route" : "routes"}`;
});

// Small helpers.

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function pill(text, good) {
  const made = element("span", text);
  made.className = good ? "pill" : "pill bad";
  return made;
}

function showPairs(list, pairs, meanings = {}) {
  list.replaceChildren(
    ...pairs.map(([name, value]) => {
      const row = document.createElement("div");
      const text = typeof value === "string" ? value : JSON.stringify(value);
      const about = element("dd", text);
      if (text.length > 120) about.className = "long";
      if (Object.hasOwn(meanings, name)) about.append(" ", meaning(name, value, meanings[name]));
      row.append(element("dt", name), about);
      return row;
    }),
  );
}

function meaning(name, value, words) {
  const made = element("span", words);
  made.className = "meaning";
  if (["iat", "nbf", "exp"].includes(name) && typeof value === "number") {
    const time = element("span", inWords(value));
    time.dataset.seconds = value;
    made.append(" ", time);
  }
  return made;
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The request for a shell; its cookies are kept in a file. */
function curl(method, path, body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [`curl -i -b jar -c jar ${quoted(location.origin + path)}`];
  if (method !== "GET") lines.push(`-H ${quoted(`origin: ${location.origin}`)}`, "-H 'content-type: application/json'", `-d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

const elsewhere = $("elsewhere");
elsewhere.hidden = elsewhere.dataset.url === location.origin;
showTimes(document);
setInterval(() => showTimes(document), 10_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refreshMails();
});
if ($("who")) whoIsThere();
