// Sends a reply without leaving the page, so that agents can write the next one, and a lost
// connection loses no text. Without scripts, the browser sends the form as usual.

import { changed, problem } from "./shared.js";

const form = document.querySelector("form[data-reply]");
const { body, byMail, requestId } = form?.elements ?? {};
const button = form?.querySelector("button");

const show = (text) => {
  form.querySelector(".problem")?.remove();
  if (text) form.prepend(problem(text));
};

const send = async () => {
  const text = body.value;
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new FormData(form),
  }).catch(() => null);
  // The session has ended: the sign-in page keeps the text.
  if (answer?.status === 401) return form.submit();
  const said = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    return show(said?.error?.message ?? "Not sent: the server cannot be reached. Your text is kept here; send it again in a moment.");
  }
  show("");
  requestId.value = said.nextRequestId;
  if (byMail) byMail.checked = true;
  // Text typed in the meantime is the next reply.
  if (body.value.startsWith(text)) body.value = body.value.slice(text.length).trimStart();
  changed(body);
  form.dispatchEvent(new CustomEvent("docket:sent"));
  document.dispatchEvent(new CustomEvent("docket:live", { detail: { name: "message", conversation: form.dataset.reply } }));
};

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  await send();
  button.disabled = false;
  body.focus();
});
// A page from the back-forward cache no longer waits for a response.
addEventListener("pageshow", (event) => event.persisted && button && (button.disabled = false));
