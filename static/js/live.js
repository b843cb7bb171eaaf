// Receives live events and passes them to the page as docket:live events. Shows the unread
// counts beside the links to the inboxes, and that of conversations in the title.

import { element } from "./shared.js";

const { liveUrl: live, liveWorker, desk, user, home } = document.body.dataset;
const NAMES = ["resync", "message", "conversation", "submission", "ticket", "assigned", "presence", "read"];
// The page shows what happened up to this number.
let seq = Number(document.body.dataset.seq);
const tell = (detail) => {
  const isKnown = detail.seq <= seq;
  seq = Math.max(seq, detail.seq ?? 0);
  if (!isKnown) document.dispatchEvent(new CustomEvent("docket:live", { detail }));
};

if (window.SharedWorker) {
  const { port } = new SharedWorker(liveWorker, { name: `docket-${desk}-${user}` });
  const say = () => port.postMessage({ url: live, names: NAMES, since: performance.timeOrigin, hidden: document.hidden });
  port.addEventListener("message", ({ data }) => tell(data));
  port.start();
  say();
  document.addEventListener("visibilitychange", say);
  addEventListener("pagehide", () => port.postMessage({ bye: true }));
  addEventListener("pageshow", (event) => event.persisted && say());
} else {
  // Some mobile browsers lack SharedWorker: the visible tab holds the stream.
  let source = null;
  const follow = () => {
    source?.close();
    source = document.hidden ? null : new EventSource(live);
    const closed = () => source?.readyState === EventSource.CLOSED && setTimeout(follow, 20_000);
    source?.addEventListener("error", closed);
    for (const name of NAMES) {
      source?.addEventListener(name, ({ data }) => tell({ ...JSON.parse(data), name, watched: true }));
    }
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pageshow", (event) => event.persisted && follow());
  follow();
}

// The page no longer updates after the session has ended. Drafts keep typed text.
const signedOut = () => {
  if (document.querySelector("[data-signed-out]")) return;
  const href = `${home}/login?next=${encodeURIComponent(location.pathname.slice(home.length) + location.search)}`;
  const line = element("p", { className: "notice", role: "alert" }, "You are signed out, so nothing new is shown here. ", element("a", { href }, "Sign in again"));
  line.dataset.signedOut = "";
  document.querySelector("main").prepend(line);
};

const title = document.title;
const badges = document.querySelectorAll("[data-unread]");
const count = async () => {
  const answer = await fetch(`${live}/unread`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.status === 401) signedOut();
  if (!answer?.ok) return;
  const counts = await answer.json();
  const words = (count) => (count > 99 ? "99+" : String(count));
  document.title = counts.conversations ? `(${words(counts.conversations)}) ${title}` : title;
  for (const badge of badges) {
    const count = counts[badge.dataset.unread];
    const text = words(count);
    badge.hidden = !count;
    badge.textContent = text;
    badge.setAttribute("aria-label", `${text} unread`);
  }
};

// Counts only once for many messages in a short time.
let waiting = null;
const soon = () => {
  waiting ??= setTimeout(() => {
    waiting = null;
    count();
  }, 500);
};
document.addEventListener("docket:live", ({ detail }) => {
  const isMine = detail.name !== "read" || String(detail.user) === user;
  if (["resync", "message", "conversation", "submission", "read"].includes(detail.name) && isMine) soon();
});
count();
