// Shortcuts of one key, unless the user has switched them off. Elements name their key with
// data-key: fields get the focus, everything else is clicked.

import { element } from "../shared.js";

const { keys, home } = document.body.dataset;

// After g: where to go.
const PLACES = { t: "/tickets", m: "/tickets?assignee=me", u: "/tickets?assignee=none", c: "/conversations", s: "/submissions?done=0", x: "/trash", p: "/profile" };
const HELP = {
  "Anywhere": [["/", "Search tickets"], ["Ctrl+K", "Go to, do, find"], ["c", "Create ticket"], ["?", "These shortcuts"]],
  "Go to": [["g t", "Tickets"], ["g m", "My tickets"], ["g u", "Unassigned tickets"], ["g c", "Conversations"], ["g s", "Submissions"], ["g x", "Trash"], ["g p", "Profile"]],
  "In a list": [["j", "Next"], ["k", "Previous"], ["Enter", "Open"], ["x", "Select"]],
  "On a page": [["e", "Close or reopen; done"], ["a", "Assign to me"], ["s", "Status"], ["n", "Add a note"], ["r", "Reply"], ["Ctrl+Enter", "Save or send"], ["Esc", "Cancel"]],
};

const help = () => {
  const dialog = element("dialog", { className: "help" });
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
  const close = element("button", { type: "button", className: "small", autofocus: true }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(element("p", { className: "card-head" }, element("strong", {}, "Keyboard shortcuts"), close));
  for (const [title, lines] of Object.entries(HELP)) {
    const list = element("dl", { className: "facts" });
    for (const [key, what] of lines) list.append(element("div", {}, element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)));
    dialog.append(element("section", {}, element("h2", {}, title), list));
  }
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
};

const move = (step) => {
  const links = [...document.querySelectorAll("[data-rows] .row-link")];
  const at = links.indexOf(document.activeElement.closest("li")?.querySelector(".row-link"));
  links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
};

// Selecting text with the pointer, or a field, keeps keys to itself.
const isTyping = ({ target }) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]") || document.querySelector("dialog[open]");

const use = (key) => {
  const target = document.querySelector(`[data-key="${key}"]`) ?? (key === "s" ? document.querySelector(".ticket-state select") : null);
  if (!target) return key === "c" && document.querySelector("[data-sign-out]") ? location.assign(`${home}/tickets/new`) : null;
  const editor = target.closest("details:not([open])");
  if (editor) editor.open = true;
  if (target.matches("input, textarea, select")) target.focus();
  else target.click();
};

// The first key of two.
let first = null;
const go = (key) => {
  first = null;
  if (PLACES[key]) location.assign(home + PLACES[key]);
};

const ACTS = {
  "/": () => document.querySelector(".search input").focus(),
  "?": help,
  j: () => move(1),
  k: () => move(-1),
  x: () => document.activeElement.closest("[data-rows] li")?.querySelector("[type=checkbox]")?.click(),
  g: () => {
    first = "g";
    setTimeout(() => (first = null), 1500);
  },
};

const palette = () => import("./palette.js").then(({ open }) => open());

if (keys !== undefined) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (first) {
      event.preventDefault();
      return go(event.key);
    }
    const act = ACTS[event.key] ?? ("ceasnr".includes(event.key) && event.key.length === 1 ? () => use(event.key) : null);
    if (!act) return;
    event.preventDefault();
    act();
  });
  for (const button of document.querySelectorAll("[data-show-keys]")) {
    button.hidden = false;
    button.addEventListener("click", help);
  }
}
