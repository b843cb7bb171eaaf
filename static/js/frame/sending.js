// How forms are sent.

// A field that is not right is shown, wherever it is folded away.
document.addEventListener("invalid", ({ target }) => {
  const folded = target.closest("details:not([open])");
  if (folded) folded.open = true;
}, { capture: true });

// A double click sends a form once; a little later it can be sent again, in case
// it never arrived, and at once on a page that comes back as it was left.
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
