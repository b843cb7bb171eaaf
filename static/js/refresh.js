// Keeps parts of a page up to date: after an event, the script loads the page again and
// replaces the parts that differ. Without scripts, users see changes after a reload.

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

// Whether something was left alone because the user is in it.
let skipped = false;

// Values of a form's fields, unless the user has changed one of them or is in one.
const putFields = (old, fresh) => {
  const fields = [...old.elements].filter((field) => field.name);
  const isChanged = (field) => {
    if (field.matches("select")) return field.selectedIndex !== Math.max([...field.options].findIndex((one) => one.defaultSelected), 0);
    return field.type !== "hidden" && field.value !== field.defaultValue;
  };
  if (fields.some((field) => field === document.activeElement || isChanged(field))) {
    skipped = true;
    return;
  }
  for (const field of fields) {
    const next = fresh.elements[field.name];
    if (!next || field.isEqualNode(next)) continue;
    if (field.matches("select")) {
      // Options that move to another select change which one is selected.
      field.innerHTML = next.innerHTML;
      continue;
    }
    field.value = field.defaultValue = next.value;
    if (next.dataset.version) field.dataset.version = next.dataset.version;
  }
};

const refresh = async () => {
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = pageOf(await answer.text());
  skipped = false;
  const stick = atEnd();
  // What the user is in stays where it is on the screen, though the page above it grows.
  const anchor = document.activeElement?.closest("main :is(a, button, input, select, summary, textarea)");
  const top = anchor?.getBoundingClientRect().top;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    // A part in which the user is stays as it is until they leave it.
    if (now && !part.contains(document.activeElement)) put(part, now);
    else if (now && !part.isEqualNode(now)) skipped = true;
  }
  for (const form of document.querySelectorAll("[data-live-fields]")) {
    const now = fresh.querySelector(`[data-live-fields="${form.dataset.liveFields}"]`);
    if (now) putFields(form, now);
  }
  const moved = anchor?.isConnected ? anchor.getBoundingClientRect().top - top : 0;
  if (Math.abs(moved) >= 1) scrollBy(0, moved);
  if (stick) document.getElementById("latest")?.scrollIntoView({ block: "end" });
};

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
  const isOurs = detail.name === "ticket" ? String(detail.number) === ticket : !only || !detail.conversation || detail.conversation === only;
  const isMine = detail.name !== "read" || String(detail.user) === user;
  if (!names.includes(detail.name) || !isOurs || !isMine) return;
  // One line says what a colleague has changed.
  if (detail.name === "ticket" && String(detail.user) !== user) byOthers = true;
  if (detail.burst) isBurst = true;
  soon();
});
document.addEventListener("focusout", () => skipped && setTimeout(soon));
