// Docket's help for a form of your website: <form data-docket …>. It tells which
// page the form is on and how long that page has been open, sends it in place, and says
// what came of it. Without this script the form works all the same.
//
//   data-sending, data-thanks, data-failed   what it says, in your language

(() => {
  "use strict";
  if (window.docketForms) return;
  window.docketForms = true;

  const field = (form, name) => form.querySelector(`input[name="${name}"]`) ?? hidden(form, name);
  const hidden = (form, name) => {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    form.append(input);
    return input;
  };

  const status = (form) => {
    let line = form.querySelector("[data-docket-status]");
    if (!line) {
      line = document.createElement("p");
      line.dataset.docketStatus = "";
      line.setAttribute("role", "status");
      form.append(line);
    }
    return line;
  };

  const prepare = (form) => {
    field(form, "_page").value = location.href;
    field(form, "_elapsed").value = String(Math.round(performance.now()));
  };

  // As a form sends it: every field in order, repeated ones too.
  const asJson = (form, submitter) => {
    const pairs = [...new FormData(form, submitter)];
    return `{${pairs.map((pair) => pair.map((part) => JSON.stringify(part)).join(":")).join(",")}}`;
  };

  const send = async (form, submitter) => {
    const { sending = "Sending…", thanks, failed = "That did not work. Please try again." } = form.dataset;
    const line = status(form);
    const buttons = form.querySelectorAll("button, input[type=submit]");
    line.textContent = sending;
    const body = asJson(form, submitter);
    for (const button of buttons) button.disabled = true;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", headers: { "Content-Type": "application/json" }, body, credentials: "omit" });
      const said = await answer.json().catch(() => ({}));
      if (!answer.ok) {
        line.textContent = said.error?.message ?? failed;
        return;
      }
      if (said.next) {
        location.assign(said.next);
        return;
      }
      form.reset();
      // The form's own words, else those of its settings.
      line.textContent = thanks ?? (said.thanks || "Thank you. Your message has arrived.");
    } catch {
      line.textContent = failed;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  };

  const isOurs = (form) => form instanceof HTMLFormElement && form.hasAttribute("data-docket");
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!isOurs(form) || event.defaultPrevented) return;
    prepare(form);
    // Files are told by their names only; the server says so on its own page.
    if (form.querySelector("input[type=file]")) return;
    event.preventDefault();
    send(form, event.submitter);
  });
})();
