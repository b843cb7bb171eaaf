// Sending forms.

// Unfolds the section that contains an invalid field.
document.addEventListener("invalid", ({ target }) => {
  const folded = target.closest("details:not([open])");
  if (folded) folded.open = true;
}, { capture: true });

// Ctrl+Enter (⌘+Enter) sends the form of a multi-line field; Enter alone is a new line.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || !event.target.matches("textarea, input")) return;
  event.preventDefault();
  event.target.form?.requestSubmit();
});
for (const hint of document.querySelectorAll("[data-keys-hint]")) hint.hidden = false;

// A double click sends a form only once. After a short time, users can send it again, in
// case it never arrived; on a page from the back-forward cache, immediately.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 3000);
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) delete form.dataset.sent;
});
