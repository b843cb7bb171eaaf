// Keeps the parts of a page that others change as they are: when something
// happens, the page is read again, and what differs in it is put in place.
// Without scripts the same page is there, at the next loading.

const page = document.querySelector("[data-refresh-on]");
const names = page.dataset.refreshOn.split(" ");
const only = page.dataset.refreshOnly;
const PAUSE = 1000;

// Children that are the same stay where they are, so that the focus, and what a
// screen reader has read out, stay too.
const put = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  const next = [...fresh.childNodes].map((child) => {
    const same = known.get(child.id);
    return same?.isEqualNode(child) ? same : child;
  });
  next.forEach((child, index) => {
    if (old.childNodes[index] !== child) old.insertBefore(child, old.childNodes[index] ?? null);
  });
  while (old.childNodes.length > next.length) old.lastChild.remove();
};

const atEnd = () => scrollY + innerHeight > document.documentElement.scrollHeight - 80;

const refresh = async () => {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const stick = atEnd();
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (now) put(part, now);
  }
  if (stick) document.getElementById("latest")?.scrollIntoView({ block: "end" });
  document.dispatchEvent(new CustomEvent("docket:refreshed"));
};

// At once, and then no more often than every so often. What nobody looks at is
// refreshed when somebody does: reading it would count as read.
let last = 0;
let timer = null;
let missed = false;
const soon = () => {
  missed = document.hidden;
  if (missed || timer) return;
  timer = setTimeout(async () => {
    last = Date.now();
    await refresh();
    timer = null;
  }, Math.max(0, last + PAUSE - Date.now()));
};
document.addEventListener("visibilitychange", () => missed && !document.hidden && soon());
document.addEventListener("docket:live", ({ detail }) => {
  const isOurs = !only || !detail.conversation || detail.conversation === only;
  if (names.includes(detail.name) && isOurs) soon();
});
