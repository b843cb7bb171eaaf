// Keeps the parts of a page that others change as they are: when something
// happens, the page is read again, and what differs in it is put in place.
// Without scripts the same page is there, at the next loading.

import { pageOf } from "./shared.js";

const page = document.querySelector("[data-refresh-on]");
const names = page.dataset.refreshOn.split(" ");
const only = page.dataset.refreshOnly;
// A page that answers a refused form has the address of the form.
const address = page.dataset.refreshUrl ?? location.href;
const { user } = document.body.dataset;
const PAUSE = 1000;

// Children with an id that are the same stay untouched where they are, so that
// the focus, a selection, and what a screen reader has read out, stay too.
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

// At once, and then no more often than every so often; what happens meanwhile
// asks for one more round. What nobody looks at is refreshed when somebody does:
// reading it would count as read.
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
