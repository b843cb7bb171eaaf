// Keeps parts of a page up to date: after an event, the script loads the page again and
// replaces the parts that differ. Without scripts, users see changes after a reload.

import { pageOf } from "./shared.js";

const page = document.querySelector("[data-refresh-on]");
const names = page.dataset.refreshOn.split(" ");
const only = page.dataset.refreshOnly;
// After a refused form, the page has the address of the form.
const address = page.dataset.refreshUrl ?? location.href;
const { user } = document.body.dataset;
const PAUSE = 1000;

// Leaves unchanged children with an id in place, so that focus, selection and the position
// of screen readers are kept.
const put = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  const next = [...fresh.children];
  if (!next.length || next.some((child) => !child.id)) {
    old.replaceChildren(...fresh.childNodes);
    return;
  }
  const ids = new Set(next.map((child) => child.id));
  for (const child of [...old.childNodes]) if (!ids.has(child.id)) child.remove();
  const known = new Map([...old.children].map((child) => [child.id, child]));
  next.forEach((child, index) => {
    const there = known.get(child.id);
    if (there) put(there, child);
    if (old.children[index] !== (there ?? child)) old.insertBefore(there ?? child, old.children[index] ?? null);
    if (there) there.className = child.className;
  });
};

const atEnd = () => scrollY + innerHeight > document.documentElement.scrollHeight - 80;

const refresh = async () => {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = pageOf(await answer.text());
  const stick = atEnd();
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now) put(part, now);
  }
  if (stick) document.getElementById("latest")?.scrollIntoView({ block: "end" });
};

// Refreshes at once, then waits for a pause; events in the meantime cause one more refresh.
// A hidden page refreshes when it becomes visible, because loading it marks it as read.
let wanted = false;
let running = false;
const run = async () => {
  if (running) return;
  running = true;
  while (wanted && !document.hidden) {
    wanted = false;
    await refresh();
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  running = false;
};
const soon = () => {
  wanted = true;
  run();
};
document.addEventListener("visibilitychange", run);
document.addEventListener("docket:live", ({ detail }) => {
  const isOurs = !only || !detail.conversation || detail.conversation === only;
  const isMine = detail.name !== "read" || String(detail.user) === user;
  if (names.includes(detail.name) && isOurs && isMine) soon();
});
