// Keeps a page up to date: after an event, the script loads the page again and updates the
// parts that differ. Without scripts, users see changes after a reload.

import { update } from "./parts.js";
import { pageOf, wait } from "./shared.js";

const page = document.querySelector("[data-refresh-on]");
const names = page.dataset.refreshOn.split(" ");
const { refreshOnly: only, refreshTicket: ticket } = page.dataset;
// After a refused form, the page has the address of the form.
const address = page.dataset.refreshUrl ?? location.href;
const { user } = document.body.dataset;
const PAUSE = 500;
// After a burst of changes, the page waits longer for the next ones.
const LONG_PAUSE = 3000;

// Whether something was left alone because the user is in it.
let skipped = false;

// Messages scroll in a box of their own on wide pages, and with the page on narrow ones.
const scroller = () => {
  const box = document.querySelector("[data-scroller]");
  return box && box.scrollHeight > box.clientHeight ? box : document.scrollingElement;
};
const refresh = async () => {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  // A lost connection: what was missed is still missing.
  if (!answer) setTimeout(soon, LONG_PAUSE);
  if (!answer?.ok || answer.redirected) return;
  const fresh = pageOf(await answer.text());
  const box = scroller();
  const stick = box.scrollTop + box.clientHeight > box.scrollHeight - 80;
  skipped = update(fresh, true);
  if (stick) document.getElementById("latest")?.scrollIntoView({ block: "end" });
};

// Whether the page lists other conversations, too.
const showsOthers = () => document.querySelector("[data-live=talks]")?.checkVisibility();

// A conversation begins at its end.
if (!location.search) document.getElementById("latest")?.scrollIntoView({ block: "end" });

// Refreshes at once, then waits for a pause; events in the meantime cause one more refresh.
// A hidden page refreshes when it becomes visible, because loading it marks it as read.
let wanted = false;
// Whether there were too many events to tell each.
let isBurst = false;
let running = false;
// Whether a colleague has changed the ticket.
let byOthers = false;
const changesLine = document.querySelector("[data-changes]");
const run = async () => {
  if (running) return;
  running = true;
  while (wanted && !document.hidden) {
    wanted = false;
    const many = isBurst;
    isBurst = false;
    // Not all open pages at once.
    if (many) await wait(Math.random() * LONG_PAUSE);
    await refresh();
    if (byOthers && changesLine) changesLine.textContent = document.querySelector("[data-events] li")?.innerText ?? "";
    byOthers = false;
    await wait(many ? LONG_PAUSE : PAUSE);
  }
  running = false;
};
const soon = () => {
  wanted = true;
  run();
};
document.addEventListener("visibilitychange", run);
document.addEventListener("docket:live", ({ detail }) => {
  const isOurs = detail.name === "ticket" ? !ticket || String(detail.number) === ticket : !only || !detail.conversation || detail.conversation === only || showsOthers();
  const isMine = detail.name !== "read" || String(detail.user) === user;
  if (!names.includes(detail.name) || !isOurs || !isMine) return;
  // One line says what a colleague has changed.
  if (detail.name === "ticket" && String(detail.user) !== user) byOthers = true;
  if (detail.burst) isBurst = true;
  soon();
});
document.addEventListener("docket:attached", soon);
document.addEventListener("focusout", () => skipped && setTimeout(soon));
