// The mailbox: shows new mail as it comes, and deletes all.

import { showTimes } from "./times.js";

const $ = (id) => document.getElementById(id);
const INTERVAL = 2000;

async function refresh() {
  if (document.hidden) return;
  const response = await fetch("/__mail").catch(() => null);
  if (!response?.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const there = page.getElementById("mails");
  const ids = (root) => [...root.querySelectorAll(".mail")].map((mail) => mail.id);
  const [now, before] = [ids(there), ids($("mails"))];
  if (now.join() === before.join()) return;
  // What is open stays open; mail that is new is open too.
  for (const mail of there.querySelectorAll(".mail")) {
    const known = document.getElementById(mail.id);
    if (known) mail.replaceWith(known);
    else mail.open = true;
  }
  $("mails").replaceChildren(...there.childNodes);
  $("count").textContent = page.getElementById("count").textContent;
  document.title = page.title;
  showTimes($("mails"));
}

$("clear").addEventListener("click", async () => {
  await fetch("/__mail.json", { method: "DELETE" }).catch(() => null);
  refresh();
});

showTimes(document);
setInterval(() => showTimes(document), 10_000);
setInterval(refresh, INTERVAL);
document.addEventListener("visibilitychange", refresh);
