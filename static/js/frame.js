// What every page does a little quicker with scripts. All of it works without.

document.documentElement.classList.add("js");

// A list that changes something is sent as soon as something is chosen.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto-submit]");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// Menus close on Escape and on a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("[data-menu][open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// The browser's time zone is a user's first one.
for (const input of document.querySelectorAll("[data-time-zone]")) {
  input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
}

// A field of one line that may wrap is sent by Enter, as one of one line is.
for (const field of document.querySelectorAll("[data-one-line]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    field.form.requestSubmit();
  });
}

// What is there to be copied is selected at a touch.
for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());

// A double click sends a form once. A page that comes back from the browser's
// cache takes it again.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// Drafts do not stay behind on a shared computer; signing out says so first.
const drafts = () => Object.keys(localStorage).filter((key) => key.startsWith("docket-draft-"));
document.querySelector("[data-sign-out]")?.addEventListener("submit", (event) => {
  const count = drafts().length;
  const question = `${count} unsaved ${count === 1 ? "draft is" : "drafts are"} kept in this browser and will be dropped. Sign out?`;
  if (count && !confirm(question)) {
    event.preventDefault();
    return;
  }
  for (const key of drafts()) localStorage.removeItem(key);
}, { capture: true });
