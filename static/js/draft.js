// Keeps what is typed in this browser until the server has it. A field with
// data-draft="user-what-which" is filled again after a reload, a crash or an
// expired session.

const PREFIX = "docket-draft-";

const note = (field, text) => {
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "status");
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "small";
  drop.textContent = "Drop the draft";
  line.append(text + " ", drop);
  field.closest("form").prepend(line);
  return { line, drop };
};

// Text that came back after signing in settles the draft of the same text.
document.querySelector("form[data-kept]")?.addEventListener("submit", (event) => {
  const texts = [...event.target.querySelectorAll("textarea")].map((field) => field.value);
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX) && texts.includes(JSON.parse(localStorage.getItem(key)).text)) localStorage.removeItem(key);
  }
});

// A page that says what was done has taken what the page before sent; one with a
// problem has not, whatever it shows.
const refused = document.querySelector(".problem") !== null;
const sent = sessionStorage.getItem("docket-sent");
if (sent && !refused && document.querySelector(".flash")) localStorage.removeItem(sent);
sessionStorage.removeItem("docket-sent");

for (const field of document.querySelectorAll("[data-draft]")) {
  const key = PREFIX + field.dataset.draft;
  const saved = field.value;
  const draft = JSON.parse(localStorage.getItem(key) ?? "null");

  if (draft && draft.text === saved) {
    if (!refused) localStorage.removeItem(key);
  } else if (draft) {
    const { line, drop } = note(field, "Your unsaved text is back.");
    field.value = draft.text;
    // A save of an old draft must be seen as a conflict, not overwrite others.
    const version = field.form.elements.version;
    if (version && draft.version) version.value = draft.version;
    const details = field.closest("details");
    if (details) details.open = true;
    drop.addEventListener("click", () => {
      localStorage.removeItem(key);
      field.value = saved;
      if (version) version.value = field.dataset.version;
      line.remove();
    });
  }

  field.addEventListener("input", () => {
    const version = field.form.elements.version?.value;
    if (field.value === saved && !refused) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify({ text: field.value, version }));
  });

  // What was just sent is the server's now; if it was not taken, the page that
  // answers holds the text. Signed out, the sign-in page does.
  field.form.addEventListener("submit", () => sessionStorage.setItem("docket-sent", key));
}

// Where two versions met, whatever is chosen settles the draft.
for (const choice of document.querySelectorAll("[data-drop-draft]")) {
  const event = choice.matches("form") ? "submit" : "click";
  choice.addEventListener(event, () => localStorage.removeItem(PREFIX + choice.dataset.dropDraft));
}
