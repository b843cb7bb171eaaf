// The files of a ticket change without a page load: what was done is read from
// the page that the server answers, item by item, so that nothing else moves.

const list = document.querySelector("[data-file-list]");
const CHANGE = /\/attachments\/[^/]+\/(delete|restore|rename)$/;

const say = (text) => (document.querySelector("[data-file-status]").textContent = text);

const show = (page) => {
  const next = page.querySelector("[data-file-list]");
  const items = [...next.children];
  for (const item of [...list.children]) if (!items.some((other) => other.id === item.id)) item.remove();
  items.forEach((item, index) => {
    const here = document.getElementById(item.id);
    if (!here) list.insertBefore(item, list.children[index] ?? null);
    else if (here.dataset.name !== item.dataset.name) here.replaceWith(item);
  });
  for (const part of ["[data-file-head]", "[data-events]"]) document.querySelector(part).replaceWith(page.querySelector(part));
};

const read = (html) => new DOMParser().parseFromString(html, "text/html");

// One after the other: an older answer must not take back what a newer one showed.
let last = Promise.resolve();
const refresh = async () => {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (answer.ok) show(read(await answer.text()));
};
document.addEventListener("docket:attached", () => (last = last.then(refresh, refresh)));
document.addEventListener("docket:say", (event) => say(event.detail));

const change = async (form) => {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  const page = read(await answer.text());
  if (answer.ok) show(page);
  document.querySelector(".flash")?.remove();
  const flash = page.querySelector(".flash") ?? problem(page);
  document.querySelector("main").prepend(flash);
  say(flash.querySelector("p").textContent);
  // Where to go on: the undo of what was done, or the file that came back.
  const id = form.action.match(/attachments\/([^/]+)\//)[1];
  (flash.querySelector("button") ?? document.querySelector(`#file-${id} a`))?.focus();
};

const problem = (page) => {
  const box = document.createElement("div");
  box.className = "flash";
  const text = document.createElement("p");
  text.textContent = page.querySelector("main p")?.textContent ?? "That did not work. Please try again.";
  box.append(text);
  return box;
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !CHANGE.test(form.action)) return;
  event.preventDefault();
  // Without a connection the form goes its own way, and the browser says what is wrong.
  change(form).catch(() => form.submit());
});
