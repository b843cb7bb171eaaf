// Sending forms.

// Unfolds the section that contains an invalid field.
document.addEventListener("invalid", ({ target }) => {
  const folded = target.closest("details:not([open])");
  if (folded) folded.open = true;
}, { capture: true });

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
