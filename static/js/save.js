// Saves forms in place: the same request as without scripts, then only the parts of the page
// that it changed are replaced. A form asks for this with data-save.

import { guess } from "./save/guess.js";
import { changed, describe, element, pageOf, problem, undescribe } from "./shared.js";
import { show, showLater } from "./toast.js";
import { update } from "./parts.js";

// What a form is about: its first field that people fill in.
const fieldOf = (form) => form.querySelector("textarea, input:not([type=hidden])");
const here = () => document.querySelector("[data-refresh-url]")?.dataset.refreshUrl;

// Without the script, the browser shows whatever the server has to say.
const sendPlainly = (form, submitter) => {
  if (submitter?.name) form.append(element("input", { type: "hidden", name: submitter.name, value: submitter.value }));
  form.submit();
};

// Shows a problem at the field in question, else beside the page.
const refuse = (form, text) => {
  const field = fieldOf(form);
  if (!field) return show(text, true);
  const line = problem(text);
  line.id = `problem-${field.name}`;
  field.after(line);
  field.setAttribute("aria-invalid", "true");
  describe(field, line);
  field.focus();
};
const forgetProblem = (form) => {
  const line = form.querySelector(".problem");
  const field = form.querySelector("[aria-invalid]");
  line?.remove();
  if (!line || !field) return;
  field.removeAttribute("aria-invalid");
  undescribe(field, line);
};

// Whether two forms have the same address and the same fields.
const isSame = (form, other) =>
  form.getAttribute("action") === other.getAttribute("action") && [...form.elements].every(({ name }) => !name || other.elements[name]);

// The fields now hold what the server stored, unless the user has typed on.
const settle = (form, sent, fresh) => {
  for (const field of form.elements) {
    const next = fresh?.elements[field.name];
    if (!field.name || field.matches("button, select") || !next) continue;
    const isSent = field.type === "hidden" || field.value === sent.get(field.name);
    field.defaultValue = next.value;
    if (next.dataset?.version) field.dataset.version = next.dataset.version;
    if (!isSent) continue;
    field.value = next.value;
    changed(field);
  }
};

const sayWhere = (form) => {
  if (form.matches("[data-auto-submit]") || !form.isConnected) return;
  document.querySelector(".saved")?.remove();
  const editor = form.closest("[data-editor]");
  const place = editor?.querySelector("summary") ?? fieldOf(form);
  if (!place) return;
  const line = element("span", { className: "saved" }, "Saved");
  place.after(line);
  setTimeout(() => line.remove(), 4000);
};

const save = async (form, submitter) => {
  forgetProblem(form);
  const sent = new FormData(form, submitter);
  const takeBack = guess(form, sent);
  submitter?.setAttribute("aria-busy", "true");
  const request = fetch(form.action, { method: "POST", body: new URLSearchParams(sent), headers: { Accept: "text/html" } });
  const answer = await request.catch(() => null);
  submitter?.removeAttribute("aria-busy");
  delete form.dataset.sent;
  if (!answer) {
    takeBack();
    return refuse(form, "Not saved: the server can’t be reached. Try again in a moment.");
  }
  const page = pageOf(await answer.text());
  const url = page.querySelector("[data-refresh-url]")?.dataset.refreshUrl;
  if (!url || url !== here()) {
    // Signed out, or a choice between two versions: a page of its own.
    if ([401, 409].includes(answer.status)) return sendPlainly(form, submitter);
    if (!answer.ok) {
      takeBack();
      return refuse(form, page.querySelector("main p")?.textContent ?? `The server answered ${answer.status}.`);
    }
    // Another page: the server has shown its message to this script.
    showLater(new URL(answer.url).pathname, page.querySelector(".flash p")?.textContent ?? "Saved.");
    return location.assign(answer.url);
  }
  // The fresh page says what is true now.
  takeBack();
  if (!answer.ok) {
    update(page, false);
    return refuse(form, page.querySelector("main .problem")?.textContent ?? `The server answered ${answer.status}.`);
  }
  const editor = form.closest("[data-editor]");
  const hadFocus = form.contains(document.activeElement);
  const same = [...page.forms].find((other) => isSame(form, other));
  form.dispatchEvent(new CustomEvent("docket:taken", { bubbles: true }));
  settle(form, sent, same);
  if (editor) {
    editor.open = false;
    if (hadFocus) editor.querySelector("summary").focus();
  }
  update(page, false);
  show(page.querySelector(".flash"));
  sayWhere(form);
  document.dispatchEvent(new CustomEvent("docket:saved", { detail: { form } }));
};

// One after the other: an older answer must not overwrite a newer one.
let last = Promise.resolve();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("form[data-save]") || !here()) return;
  event.preventDefault();
  const { submitter } = event;
  // The page may show half of it: what is stored comes with the next load.
  last = last.then(() => save(form, submitter)).catch(() => location.reload());
});
