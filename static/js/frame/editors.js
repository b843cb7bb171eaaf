// Small forms in a page: fields of one line that wrap, and editors that unfold.

import { changed } from "../shared.js";

// A field of one line that may wrap is sent by Enter, as one of one line is. One
// that differs from what is stored says so, and Escape takes it back.
for (const field of document.querySelectorAll("[data-one-line]")) {
  field.addEventListener("input", () => field.form.classList.toggle("changed", field.value !== field.defaultValue));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      field.form.requestSubmit();
    } else if (event.key === "Escape") {
      field.value = field.defaultValue;
      changed(field);
    }
  });
}

// Who opens an editor wants to write; Escape closes a small one.
document.addEventListener("toggle", ({ target }) => {
  const field = target.open && target.matches("[data-editor]") && target.querySelector("textarea, input:not([type=hidden])");
  if (!field) return;
  field.focus();
  if (field.matches("input")) field.select();
}, { capture: true });
document.addEventListener("keydown", (event) => {
  const editor = event.key === "Escape" && event.target.matches("input") && event.target.closest("[data-editor]");
  if (!editor) return;
  editor.open = false;
  event.target.form.reset();
  changed(event.target);
  editor.querySelector("summary").focus();
});

// The browser's time zone is a user's first one.
for (const input of document.querySelectorAll("[data-time-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// What is there to be copied is selected at a touch.
for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());
