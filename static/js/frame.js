// What every page does a little quicker with scripts. All of it works without.

// Keys that belong to an input method reach none of our listeners, in no script:
// this one comes before all others. Safari marks the last one by 229 alone.
window.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) event.stopImmediatePropagation();
}, { capture: true });

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

// Tells all listeners that a script has changed a field.
const changed = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

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

// What is there to be copied is selected at a touch.
for (const box of document.querySelectorAll("[data-copy]")) box.addEventListener("focus", () => box.select());

// What happens away from the focus is announced, all of one moment together.
let news = [];
const announce = () => {
  if (news.length) document.querySelector("[data-file-status]").textContent = news.join(" ");
  news = [];
};
const say = (text) => {
  news.push(text);
  setTimeout(announce, 500);
};
document.addEventListener("docket:say", (event) => say(event.detail));

// Text that is too long is never cut: a line says by how much, and the form waits.
// It counts as the server does: characters of Unicode, in a field of one line
// without spare spaces.
const lengthOf = (field) => {
  const isLine = field.matches("input, [data-one-line]");
  return [...(isLine ? field.value.trim().replace(/\s+/g, " ") : field.value)].length;
};
const tooLong = (field) => {
  const max = Number(field.dataset.max);
  const over = lengthOf(field) - max;
  if (over <= 0) return "";
  const characters = over === 1 ? "1 character" : `${over.toLocaleString("en")} characters`;
  return `${characters} too many. At most ${max.toLocaleString("en")}.`;
};
// The field names its line and a pause in typing announces it, so it is no part of
// the label.
let lines = 0;
const lineOf = (field) => {
  const known = document.getElementById(field.getAttribute("aria-describedby"));
  if (known) return known;
  const line = document.createElement("span");
  line.className = "too-long";
  line.id = `too-long-${++lines}`;
  line.setAttribute("aria-hidden", "true");
  field.setAttribute("aria-describedby", line.id);
  field.after(line);
  return line;
};
const measure = (field) => {
  const text = tooLong(field);
  field.setCustomValidity(text);
  field.setAttribute("aria-invalid", String(text !== ""));
  lineOf(field).textContent = text;
};
let pause;
document.addEventListener("input", ({ target: field }) => {
  if (!field.matches("[data-max]")) return;
  measure(field);
  clearTimeout(pause);
  pause = setTimeout(() => field.validationMessage && say(lineOf(field).textContent), 1000);
});
for (const field of document.querySelectorAll("[data-max]")) measure(field);

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

// A file never replaces the page, wherever it is dropped. A page that cannot take
// it says where files go.
const tellAboutFiles = () => document.querySelector("[data-no-files]")?.removeAttribute("hidden");
const bringsFiles = (event) => !event.defaultPrevented && event.dataTransfer?.types.includes("Files");
window.addEventListener("dragover", (event) => bringsFiles(event) && event.preventDefault());
window.addEventListener("drop", (event) => {
  if (!bringsFiles(event)) return;
  event.preventDefault();
  tellAboutFiles();
});
window.addEventListener("paste", ({ clipboardData }) => {
  if (clipboardData?.files.length && !clipboardData.types.includes("text/plain")) tellAboutFiles();
});

// Drafts of this desk do not stay behind on a shared computer; signing out says so
// first.
document.querySelector("[data-sign-out]")?.addEventListener("submit", (event) => {
  const drafts = Object.keys(localStorage).filter((key) => key.startsWith(`docket-draft-${document.body.dataset.desk}-`));
  if (drafts.length && !confirm("Text that you have not saved is kept in this browser. Sign out and discard it?")) {
    event.preventDefault();
    return;
  }
  for (const key of drafts) localStorage.removeItem(key);
}, { capture: true });
