// Files in the form for a new ticket: they wait on the page, and upload.js sends them to
// the ticket after it is created. Without files or without scripts, the browser sends the
// form as usual.

import { changed, element, pageOf, problem as problemLine } from "./shared.js";
import { showLater } from "./toast.js";

const form = document.querySelector("form[data-create]");
const box = form.querySelector("[data-upload]");
let sending = false;

box.hidden = false;

// Typing replaces the suggested title. The visitor's own words are offered beside it.
const { title } = form.elements;
if (title.value === title.defaultValue) title.select();
const offers = form.querySelector("[data-offers]");
if (offers) offers.hidden = false;
offers?.addEventListener("click", ({ target }) => {
  const offer = target.closest("[data-title]");
  if (!offer) return;
  title.value = offer.dataset.title;
  changed(title);
  title.focus();
});

// The problems and notices above a form.
const linesAbove = (form, kinds) => form.parentElement.querySelectorAll(`:scope > :is(${kinds})`);
const show = (kinds, ...lines) => {
  for (const line of linesAbove(form, kinds)) line.remove();
  form.before(...lines);
  form.parentElement.scrollIntoView();
};
const problem = (...content) => show(".problem", problemLine(...content));

// The response is this page again, with the problem and the hidden fields for the next try.
const showRefusal = (page) => {
  const fresh = page.querySelector("form[data-create]");
  if (!fresh) return problem(page.querySelector("main p")?.textContent ?? "The server’s answer can’t be read.");
  show(".problem, .notice", ...linesAbove(fresh, ".problem, .notice"));
  for (const field of form.querySelectorAll("input[type=hidden]")) field.remove();
  form.prepend(...fresh.querySelectorAll("input[type=hidden]"));
  form.querySelector("button.primary").textContent = fresh.querySelector("button.primary").textContent;
};

const signIn = () => {
  const link = element("a", { href: box.dataset.signIn, target: "_blank" }, "Sign in in a new tab");
  problem("You are signed out. Text and files are kept here. ", link, ", then send them again.");
};

const create = async () => {
  const body = new URLSearchParams(new FormData(form));
  const sent = fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  const answer = await sent.catch(() => null);
  if (!answer) return problem("Not sent: the server can’t be reached. Text and files are kept here; send them again in a moment.");
  if (answer.status === 401) return signIn();
  const page = pageOf(await answer.text().catch(() => ""));
  const path = new URL(answer.url).pathname;
  if (!/\/tickets\/\d+$/.test(path)) return showRefusal(page);

  form.dispatchEvent(new CustomEvent("docket:taken", { bubbles: true }));
  const text = page.querySelector(".flash p")?.textContent ?? "Ticket created.";
  const problems = await new Promise((whenSent) => {
    box.dispatchEvent(new CustomEvent("docket:send", { detail: { address: `${path}/attachments`, whenSent } }));
  });
  showLater(path, text, problems);
  location.assign(path);
};

form.addEventListener("submit", async (event) => {
  if (!sending && !box.querySelector(".upload:not(.failed)")) return;
  event.preventDefault();
  if (sending) return;
  sending = true;
  await create();
  sending = false;
});
