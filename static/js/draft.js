// Keeps unsaved text in this browser until the server has stored it. A field with
// data-draft="user-what-which" is filled again after a reload, a crash or an
// expired session. The fields of a form are restored and discarded together.

import { changed, element } from "./shared.js";

const { desk, user } = document.body.dataset;
const PREFIX = `docket-draft-${desk}-`;
const SENT = `docket-sent-${desk}`;

const keyOf = (field) => PREFIX + field.dataset.draft;
const read = (key) => JSON.parse(localStorage.getItem(key) ?? "null");
const drop = (keys) => keys.forEach((key) => localStorage.removeItem(key));

// The drafts to discard after the server has accepted a form.
const settledBy = (form) => {
  // After a conflict, any choice settles the draft.
  if (form.dataset.dropDraft) return [PREFIX + form.dataset.dropDraft];
  if (!form.matches("[data-kept]")) return [...form.querySelectorAll("[data-draft]")].map(keyOf);
  // Text restored after signing in settles all drafts with the same text.
  const texts = [...form.querySelectorAll("textarea")].map((field) => field.value).filter(Boolean);
  const mine = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${user}-`));
  return mine.filter((key) => texts.includes(read(key).text));
};

// A page with a success message means that the server accepted the form of the previous
// page. A page with a problem means that it did not, whatever else it shows.
const refused = document.querySelector(".problem") !== null;
const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "[]");
if (!refused && document.querySelector(".flash")) drop(sent);
sessionStorage.removeItem(SENT);

// This listener runs last, when it is certain that the browser sends the form. If the
// server does not accept it, the response contains the text; if the session has ended,
// the sign-in page does.
window.addEventListener("submit", (event) => {
  if (!event.defaultPrevented) sessionStorage.setItem(SENT, JSON.stringify(settledBy(event.target)));
});
document.addEventListener("docket:taken", (event) => drop(settledBy(event.target)));
for (const link of document.querySelectorAll("a[data-drop-draft]")) {
  link.addEventListener("click", () => drop([PREFIX + link.dataset.dropDraft]));
}

document.addEventListener("input", ({ target: field }) => {
  if (!field.matches("[data-draft]")) return;
  const draft = { text: field.value, version: field.form.elements.version?.value };
  if (draft.text === field.defaultValue && !refused) drop([keyOf(field)]);
  else localStorage.setItem(keyOf(field), JSON.stringify(draft));
});

const note = (form) => {
  const button = element("button", { type: "button", className: "small" }, "Discard draft");
  form.prepend(element("p", { className: "notice", role: "status" }, "Unsaved text restored. ", button));
  return button;
};

const fill = (field, text) => {
  field.value = text;
  changed(field);
};

const restore = (form) => {
  const fields = [...form.querySelectorAll("[data-draft]")].filter((field) => read(keyOf(field)));
  // Text that the server filled in is not a draft.
  const [same, typed] = [true, false].map((is) => fields.filter((field) => (read(keyOf(field)).text === field.defaultValue) === is));
  if (!refused) drop(same.map(keyOf));
  if (!typed.length) return;

  const { version } = form.elements;
  for (const field of typed) {
    const draft = read(keyOf(field));
    // Saving an old draft must cause a conflict, not overwrite other changes.
    if (version && draft.version) version.value = draft.version;
    fill(field, draft.text);
    const details = field.closest("details");
    if (details) details.open = true;
  }
  const button = note(form);
  button.addEventListener("click", () => {
    if (version) version.value = typed[0].dataset.version;
    for (const field of typed) fill(field, field.defaultValue);
    drop(typed.map(keyOf));
    button.parentElement.remove();
    typed[0].focus();
  });
};
new Set([...document.querySelectorAll("[data-draft]")].map((field) => field.form)).forEach(restore);
