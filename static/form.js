// Optional script for a form on your website: <form data-docket …>. It records the page's
// address and how long the page was open, sends the form without reloading, and shows the
// result. The form also works without this script.
//
//   data-sending, data-thanks, data-failed   texts for the visitor, in your language

(() => {
  "use strict";
  if (Object.hasOwn(window, "docketForms")) return;
  window.docketForms = true;

  // Fields shadow properties of their form: with <input name="reset">, form.reset is that
  // input. Elements shadow properties of the document. Neither can shadow a prototype.
  const native = (object, { prototype }) =>
    new Proxy({}, {
      get: (_, name) => {
        const value = Reflect.get(prototype, name, object);
        return typeof value === "function" ? value.bind(object) : value;
      },
    });
  const doc = native(document, Document);

  const field = (form, name) => form.querySelector(`input[name="${name}"]`) ?? hidden(form, name);
  const hidden = (form, name) => {
    const input = doc.createElement("input");
    input.type = "hidden";
    input.name = name;
    form.append(input);
    return input;
  };

  const status = (form) => {
    let line = form.querySelector("[data-docket-status]");
    if (!line) {
      line = doc.createElement("p");
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

  const isChosenFile = ([, value]) => value instanceof File && value.name !== "";

  // Like a browser: every field in order, including repeated fields. File fields are empty
  // here.
  const asJson = (pairs) => {
    const text = (part) => JSON.stringify(part instanceof File ? "" : part);
    return `{${pairs.map((pair) => pair.map(text).join(":")).join(",")}}`;
  };

  // The forms that are being sent, each with a function to unlock it.
  const busy = new Map();

  const lock = (element, form) => {
    const buttons = [...form.querySelectorAll("button, input[type=submit]")].filter((button) => !button.disabled);
    for (const button of buttons) button.disabled = true;
    busy.set(element, () => {
      busy.delete(element);
      for (const button of buttons) button.disabled = false;
    });
    return busy.get(element);
  };

  // The server's response; not ok if there is none.
  const post = async (action, body) => {
    try {
      const answer = await fetch(action, { method: "POST", headers: { "Content-Type": "application/json" }, body, credentials: "omit" });
      const said = await answer.json().catch(() => ({}));
      return { ...said, ok: answer.ok };
    } catch {
      return { ok: false };
    }
  };

  const send = async (element, form, pairs) => {
    const { sending = "Sending…", thanks, failed = "That did not work. Please try again." } = form.dataset;
    const line = status(form);
    const unlock = lock(element, form);
    line.textContent = sending;
    const answer = await post(form.action, asJson(pairs));
    unlock();
    if (!answer.ok) {
      line.textContent = answer.error?.message ?? failed;
      return;
    }
    // The server has stored the form. Later errors must not make visitors send it again.
    // The form's own text overrides the one in its settings.
    line.textContent = thanks ?? (answer.thanks || "Thank you. Your message has arrived.");
    form.reset();
    if (answer.next) location.assign(answer.next);
  };

  doc.addEventListener("submit", (event) => {
    const element = event.target;
    if (!(element instanceof HTMLFormElement) || event.defaultPrevented) return;
    const form = native(element, HTMLFormElement);
    if (!form.hasAttribute("data-docket")) return;
    if (busy.has(element)) {
      event.preventDefault();
      return;
    }
    prepare(form);
    const pairs = [...new FormData(element, event.submitter)];
    // The server accepts no files. Its own page explains that to the visitor.
    if (pairs.some(isChosenFile)) return;
    event.preventDefault();
    send(element, form, pairs);
  });

  // The back-forward cache restores a page as the visitor left it, perhaps while sending.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    for (const unlock of busy.values()) unlock();
    for (const line of doc.querySelectorAll("form[data-docket] [data-docket-status]")) line.textContent = "";
  });
})();
