// The page that emails to visitors link to: tells the server what was seen, and shows times as
// the visitor writes them.

const thread = document.querySelector("[data-thread]");

for (const time of thread.querySelectorAll("time")) {
  const format = new Intl.DateTimeFormat(navigator.language, { dateStyle: "medium", timeStyle: "short" });
  time.textContent = format.format(new Date(time.dateTime));
}

// Programs open links, too. Only people move, touch and type.
const signs = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
const note = () => {
  for (const sign of signs) removeEventListener(sign, note);
  const position = [...thread.querySelectorAll("[data-position]")].at(-1)?.dataset.position;
  if (position) fetch(thread.dataset.thread, { method: "POST", body: new URLSearchParams({ position }), keepalive: true });
};
for (const sign of signs) addEventListener(sign, note, { passive: true });
