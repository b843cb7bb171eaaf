// Outgoing messages.

let pumping = false;
let slowed = false;
let offline = false;
const sendRest = pause();

const trouble = (error) => {
  offline ||= isTrouble(error);
  render();
};

const calm = () => {
  offline = false;
  render();
};

const post = async ({ id, body, page }) => {
  const { name, email } = chat();
  const text = JSON.stringify({ id, body, name, email, page });
  const response = await call("messages", {
    method: "POST",
    body: text,
    headers: { "Content-Type": "application/json" },
    // Continues after the visitor leaves the page; browsers allow it up to 64 KiB.
    keepalive: text.length < LONGEST,
    signal: AbortSignal.timeout(30_000),
  });
  const answer = await response.json();
  if (answer.id !== id || !isOwn(answer) || !answer.position) throw new Error("not our message");
  return answer;
};

const refuse = (id, { status }) => {
  const failed = status === 413 ? "tooLong" : "failed";
  change((now) => (now.pending = now.pending.map((message) => (message.id === id ? { ...message, failed } : message))));
  written.delete(id);
};

// Sends pending messages one after the other. Only a message that can be retried blocks the
// following ones; a refused message does not.
const pump = async () => {
  if (pumping) return;
  pumping = true;
  for (let failures = 0, message; (message = chat().pending.find(({ failed }) => !failed)); ) {
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
  if (!body) return area.focus();
  if ([...body].length > LONGEST) return (view.notice.textContent = texts.tooLong);
  if (!fields.hidden && ![...fields.querySelectorAll("input")].every((input) => input.reportValidity())) return;
  const message = { id: token(16), body, page: location.href.split("#")[0].slice(0, 2000), at: new Date().toISOString() };
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
  change((now) => delete now.pending.find((message) => message.id === id)?.failed);
  view.area.focus();
  render();
  pump();
};
