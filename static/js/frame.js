// What every page does a little quicker with scripts. All of it works without.

document.documentElement.classList.add("js");

// A list that changes something is sent as soon as something is chosen by hand.
// Keys go through its values one by one, so with them the button comes back.
const listOf = (event) => event.target.matches("select") && event.target.closest("form[data-auto-submit]");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Tab" && event.key !== "Shift") listOf(event) && listOf(event).classList.add("by-key");
});
document.addEventListener("pointerdown", (event) => listOf(event) && listOf(event).classList.remove("by-key"));
document.addEventListener("change", (event) => {
  const form = listOf(event);
  if (form && !form.classList.contains("by-key")) form.requestSubmit();
});

// Menus close on Escape and on a click elsewhere.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("[data-menu][open]")) if (menu !== except) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("[data-menu]")));
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("[data-menu]")));
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

// A field of one line that may wrap is sent by Enter, as one of one line is. One
// that differs from what is stored says so, and Escape takes it back.
for (const field of document.querySelectorAll("[data-one-line]")) {
  const show = () => field.form.classList.toggle("changed", field.value !== field.defaultValue);
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      field.form.requestSubmit();
    } else if (event.key === "Escape") {
      field.value = field.defaultValue;
      show();
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
  editor.querySelector("form").reset();
  editor.querySelector("summary").focus();
});

// What is there to be copied is selected at a touch.
for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());

// A double click sends a form once; a little later it can be sent again, in case
// it never arrived.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 3000);
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
