// Changes a ticket's files without reloading. The script updates the list item by item from
// the page in the server's response, so that nothing else moves.

import { element, pageOf, problem as problemLine, say } from "./shared.js";

const list = document.querySelector("[data-file-list]");
const CHANGE = /\/attachments\/[^/]+\/(delete|restore|rename)$/;

const show = (page) => {
  const items = [...page.querySelector("[data-file-list]").children];
  for (const item of [...list.children]) if (!items.some((other) => other.id === item.id)) item.remove();
  items.forEach((item, index) => {
    const here = document.getElementById(item.id);
    if (!here) list.insertBefore(item, list.children[index] ?? null);
    else if (here.dataset.name !== item.dataset.name) here.replaceWith(item);
  });
  for (const part of ["[data-file-head]", "[data-file-removed]", "[data-events]"]) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
};

// Announces files that arrive at the same time together.
let attached = [];
const announce = () => {
  if (attached.length) say(attached.length > 1 ? `${attached.length} files attached.` : `${attached[0]} attached.`);
  attached = [];
};

// Runs one request at a time: an older response must not overwrite a newer one.
let last = Promise.resolve();
const refresh = async () => {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (answer.ok) show(pageOf(await answer.text()));
};
const again = () => (last = last.then(refresh).catch(() => setTimeout(again, 3000)));
document.addEventListener("docket:attached", (event) => {
  if (event.detail) attached.push(event.detail);
  setTimeout(announce, 500);
  again();
});

const flash = (text, page) => {
  document.querySelector(".flash")?.remove();
  const box = page?.querySelector(".flash") ?? document.createElement("div");
  box.classList.add("flash");
  // The list's status line announces it.
  box.removeAttribute("role");
  if (!box.firstElementChild) box.append(element("p", {}, text));
  document.querySelector("main").prepend(box);
  say(box.querySelector("p").textContent);
  return box;
};

// Shows a problem where the user can fix it: beside the name, or at the top.
const problem = (form, text) => {
  const field = form.querySelector("input");
  if (!field) return flash(text).classList.add("problem");
  form.querySelector(".problem")?.remove();
  const line = element("p", { className: "problem" }, text);
  field.after(line);
  field.setAttribute("aria-invalid", "true");
  field.focus();
  say(text);
};

const change = async (form) => {
  const body = new URLSearchParams(new FormData(form));
  const sent = fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  const answer = await sent.catch(() => null);
  if (!answer) return problem(form, "The connection was lost. Nothing was changed; please try again.");
  const page = pageOf(await answer.text());
  if (!answer.ok) return problem(form, page.querySelector("main p")?.textContent ?? `The server answered ${answer.status}.`);
  const id = form.dataset.file ?? form.action.match(/attachments\/([^/]+)\//)[1];
  show(page);
  // Moves the focus to the undo button or to the restored file.
  const undo = flash("", page).querySelector("button");
  if (undo) undo.form.dataset.file = id;
  (undo ?? document.querySelector(`#file-${id} a`))?.focus();
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !(form.dataset.file || CHANGE.test(form.action))) return;
  event.preventDefault();
  last = last.then(() => change(form)).catch(() => location.reload());
});

// The page that created the ticket stores the result for this page.
const KEY = `docket-created-${document.body.dataset.desk}`;
const created = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
sessionStorage.removeItem(KEY);
// frame.js announces it and loads after this script.
document.addEventListener("DOMContentLoaded", () => {
  if (created?.path !== location.pathname) return;
  document.querySelector("main").prepend(...created.problems.map((text) => problemLine(text)));
  flash(created.text);
});
