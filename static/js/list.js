// Keeps the ticket list up to date. Changed rows are updated in place, tickets that left the
// list are dimmed, and new ones are announced, so that nothing moves under the pointer.

import { sync } from "./parts.js";
import { pageOf, wait } from "./shared.js";

const list = document.querySelector("[data-live-list]");
const news = document.querySelector("[data-news]");
const isFirstPage = !/[?&](after|before)=/.test(location.search);
const PAUSE = 500;
const LONG_PAUSE = 3000;
// The server checks at most this many tickets in one request.
const MOST = 50;
// More changes at once are a burst: the page checks the rows that it shows, not each change.
const BURST = 100;

const rowOf = (root, number) => root.querySelector(`#ticket-${number}`);
const numbersOf = (root) => [...root.querySelectorAll("[data-live-list] [id^=ticket-]")].map((row) => row.id.slice(7));

// Tickets that belong on this page but are not shown yet.
const missing = new Map();
const announce = () => {
  const kinds = new Set(missing.values());
  const what = kinds.size > 1 ? "new or changed" : [...kinds][0];
  news.hidden = !missing.size;
  news.textContent = missing.size ? `${missing.size} ${what} ${missing.size === 1 ? "ticket" : "tickets"}` : "";
};

const replace = (row, fresh) => {
  row.classList.remove("left");
  sync(row, fresh);
};

const load = async (only) => {
  const url = new URL(location.href);
  if (only) {
    url.searchParams.set("only", only.join(","));
    url.searchParams.delete("after");
    url.searchParams.delete("before");
  }
  const answer = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? pageOf(await answer.text()) : null;
};

const showCounts = (page) => {
  const counts = page.querySelectorAll(".tabs .count");
  document.querySelectorAll(".tabs .count").forEach((count, index) => (count.textContent = counts[index]?.textContent ?? count.textContent));
};

// Shows what the list on this page says of the tickets in `changes`.
const put = (page, changes) => {
  showCounts(page);
  for (const [number, kind] of changes) {
    const [row, fresh] = [rowOf(list, number), rowOf(page, number)];
    if (row && fresh) replace(row, fresh);
    else if (row) row.classList.add("left");
    else if (fresh && isFirstPage) missing.set(number, kind);
    else missing.delete(number);
  }
  announce();
};

// Asks the server which of these tickets the list shows, and how.
const check = async (changes) => {
  const all = [...changes];
  for (let from = 0; from < all.length; from += MOST) {
    const some = all.slice(from, from + MOST);
    const page = await load(some.map(([number]) => number));
    if (!page) return;
    put(page, some);
  }
};

// After a burst, or when events may have been lost: what the list would show now, and the
// rows that are shown.
const checkAll = async () => {
  const page = await load();
  if (!page) return;
  put(page, numbersOf(page).map((number) => [number, "new"]));
  const others = numbersOf(document).filter((number) => !rowOf(page, number));
  await check(new Map(others.map((number) => [number, "changed"])));
};

// Events of a moment are checked together. A hidden page checks when it becomes visible.
let changes = new Map();
let isLost = false;
// Whether there were too many events to tell each.
let isBurst = false;
let running = false;
const run = async () => {
  if (running) return;
  running = true;
  while ((changes.size || isLost) && !document.hidden) {
    const [now, many] = [changes, isBurst || changes.size > BURST];
    const all = many || isLost;
    changes = new Map();
    isLost = isBurst = false;
    // Not all open pages at once.
    if (many) await wait(Math.random() * LONG_PAUSE);
    await (all ? checkAll() : check(now));
    await wait(many ? LONG_PAUSE : PAUSE);
  }
  running = false;
};
document.addEventListener("visibilitychange", run);
document.addEventListener("docket:live", ({ detail }) => {
  if (detail.name === "ticket") {
    const number = String(detail.number);
    changes.set(number, detail.kind === "ticket.created" || changes.get(number) === "new" ? "new" : "changed");
  } else if (detail.name === "resync") {
    isLost = true;
    isBurst ||= detail.burst === true;
  } else return;
  run();
});
