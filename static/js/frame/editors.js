// Small forms in a page: single-line fields that wrap, and editors that unfold.

import { changed } from "../shared.js";

// Enter submits a wrapping single-line field, as in an ordinary one. The form is marked
// while its text differs from the stored text, and Escape restores the stored text.
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

// Opening an editor moves the focus into it; Escape closes a small one.
document.addEventListener("toggle", ({ target }) => {
  const field = target.open && target.matches("[data-editor]") && target.querySelector("textarea, input:not([type=hidden])");
  if (!field) return;
  field.focus();
  if (field.matches("input")) return field.select();
  // One goes on where the text ends.
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollTop = field.scrollHeight;
}, { capture: true });

// Cancel and Escape close an editor. A longer text that was changed stays as a draft.
const close = (editor) => {
  const { form } = editor.querySelector("textarea, input");
  editor.open = false;
  if (!form.querySelector("[data-draft]")) form.reset();
  for (const field of form.elements) if (field.name) changed(field);
  editor.querySelector("summary").focus();
};
document.addEventListener("keydown", (event) => {
  const editor = event.key === "Escape" && event.target.matches("input, textarea") && event.target.closest("[data-editor]");
  if (editor) close(editor);
});
for (const button of document.querySelectorAll("[data-cancel-edit]")) {
  button.hidden = false;
  // The form is reset before the editor closes: the draft is discarded.
  button.form.addEventListener("reset", () => setTimeout(() => close(button.closest("[data-editor]"))));
}

// A new user starts with the browser's time zone.
for (const input of document.querySelectorAll("[data-time-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// Selects text for copying when its box gets the focus.
for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());
