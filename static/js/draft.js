// Keeps what is typed in this browser until the server has it. A field with
// data-draft="user-what-which" is filled again after a reload, a crash or an
// expired session. The fields of one form come back, and go, together.

import { changed, element } from "./shared.js";

const { desk, user } = document.body.dataset;
const PREFIX = `docket-draft-${desk}-`;
const SENT = `docket-sent-${desk}`;

const keyOf = (field) => PREFIX + field.dataset.draft;
const read = (key) => JSON.parse(localStorage.getItem(key) ?? "null");
const drop = (keys) => keys.forEach((key) => localStorage.removeItem(key));

// The drafts that a form settles when the server has taken it.
const settledBy = (form) => {
  // Where two versions met, whatever is chosen settles the draft.
  if (form.dataset.dropDraft) return [PREFIX + form.dataset.dropDraft];
  if (!form.matches("[data-kept]")) return [...form.querySelectorAll("[data-draft]")].map(keyOf);
  // Text that came back after signing in settles the drafts of the same text.
  const texts = [...form.querySelectorAll("textarea")].map((field) => field.value).filter(Boolean);
  const mine = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${user}-`));
  return mine.filter((key) => texts.includes(read(key).text));
};

// A page that says what was done has taken what the page before sent; one with a
// problem has not, whatever it shows.
const refused = document.querySelector(".problem") !== null;
const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "[]");
if (!refused && document.querySelector(".flash")) drop(sent);
sessionStorage.removeItem(SENT);

// Heard last, when it is sure that the browser sends the form. If it was not taken,
// the page that answers holds the text. Signed out, the sign-in page does.
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
  form.prepend(element("p", { className: "notice", role: "status" }, "Your unsaved text is back. ", button));
  return button;
};

const fill = (field, text) => {
  field.value = text;
  changed(field);
};

const restore = (form) => {
  const fields = [...form.querySelectorAll("[data-draft]")].filter((field) => read(keyOf(field)));
  // What the server filled in is no draft.
  const [same, typed] = [true, false].map((is) => fields.filter((field) => (read(keyOf(field)).text === field.defaultValue) === is));
  if (!refused) drop(same.map(keyOf));
  if (!typed.length) return;

  const { version } = form.elements;
  for (const field of typed) {
    const draft = read(keyOf(field));
    // A save of an old draft must be seen as a conflict, not overwrite others.
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
