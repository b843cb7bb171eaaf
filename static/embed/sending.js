// Outgoing messages.

let pumping = false;
let slowed = false;
let offline = false;
const sendRest = pause();

const trouble = (error) => {
  offline ||= isTrouble(error);
  render();
};

// The server answers, so whatever waits for it goes on.
const calm = () => {
  offline = false;
  lineRest.wake();
  sendRest.wake();
  render();
};

const request = (fields, files) => {
  if (files) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    for (const file of files) form.append("files", file);
    return { body: form, signal: AbortSignal.timeout(180_000) };
  }
  const text = JSON.stringify(fields);
  return {
    body: text,
    headers: { "Content-Type": "application/json" },
    // Continues after the visitor leaves the page; browsers allow it up to 64 KiB.
    keepalive: text.length < LONGEST,
    signal: AbortSignal.timeout(30_000),
  };
};

const post = async ({ id, body, page }) => {
  const { name, email } = chat();
  const response = await call("messages", { method: "POST", ...request({ id, body, name, email, page }, filesOf.get(id)) });
  const answer = await response.json();
  if (answer.id !== id || !isOwn(answer) || !answer.position) throw new Error("not our message");
  return answer;
};

const refuse = (id, { status, reason }) => {
  const said = filesOf.has(id) ? { failed: "failed", reason } : { failed: status === 413 ? "tooLong" : "failed" };
  change((now) => (now.pending = now.pending.map((message) => (message.id === id ? { ...message, ...said } : message))));
  written.delete(id);
};

// Sends pending messages one after the other. Only a message that can be retried blocks the
// following ones; a refused message does not.
const pump = async () => {
  if (pumping) return;
  pumping = true;
  for (let failures = 0, message; (message = chat().pending.find((message) => !message.failed && hasFiles(message))); ) {
    try {
      const answer = await post(message);
      failures = 0;
      slowed = false;
      status = "open";
      receive([answer]);
      calm();
      listen();
    } catch (error) {
      slowed = isLimit(error);
      if (mayPass(error)) {
        trouble(error);
        await sendRest.sleep(delay(error, failures), slowed);
        failures += 1;
      } else {
        refuse(message.id, error);
        render();
      }
    }
  }
  pumping = false;
};

const submit = () => {
  const { area, fields } = view;
  const body = area.value.trim();
  if (!body && !chosen.length) return area.focus();
  if ([...body].length > LONGEST) return (view.notice.textContent = texts.tooLong);
  if (!fields.hidden && ![...fields.querySelectorAll("input")].every((input) => input.reportValidity())) return;
  const message = { id: token(16), body, page: location.href.split("#")[0].slice(0, 2000), at: new Date().toISOString() };
  if (chosen.length) {
    message.files = chosen.map(({ name }) => ({ name }));
    filesOf.set(message.id, chosen);
    choose([]);
  }
  written.set(message.id, message);
  // Also stores the message.
  change((now) => (now.draft = ""));
  area.value = "";
  area.focus();
  render();
  isAtEnd = true;
  keepEnd();
  sendRest.wake();
  pump();
};

const tryAgain = (id) => {
  const message = chat().pending.find((pending) => pending.id === id);
  if (!message) return;
  // Its files were refused or are gone with an earlier page, so it is written anew.
  if (message.files) {
    written.delete(id);
    choose([...(filesOf.get(id) ?? []), ...chosen]);
    filesOf.delete(id);
    view.area.value = [message.body, view.area.value].filter(Boolean).join("\n");
    change((now) => {
      now.pending = now.pending.filter((pending) => pending.id !== id);
      now.draft = view.area.value;
    });
  } else change((now) => delete now.pending.find((pending) => pending.id === id)?.failed);
  view.area.focus();
  render();
  pump();
};
