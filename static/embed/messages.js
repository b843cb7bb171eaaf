// Incoming messages.

const clear = () => {
  messages.clear();
  first = 1;
  head = 0;
  status = "none";
  conversation = null;
  hasEarlier = false;
  loaded = false;
};

// The conversation was deleted. Pending messages start a new one.
const forget = () => {
  clear();
  change((now) => Object.assign(now, { known: false, seen: 0 }));
};

// Visitors and agents choose ids independently, so two messages may have the same id.
// Pending messages are always the visitor's.
const isOwn = ({ from }) => from !== "agent";
const keyOf = ({ id, from, position }) => (id ? `${isOwn({ from }) ? "visitor" : "agent"} ${id}` : position);

const settle = (list) => {
  const ids = new Set(list.filter(isOwn).map(({ id }) => id));
  for (const id of ids) {
    written.delete(id);
    filesOf.delete(id);
  }
  if (chat().pending.some(({ id }) => ids.has(id))) change((now) => (now.pending = now.pending.filter(({ id }) => !ids.has(id))));
};

const receive = (list) => {
  // A different message at the same position: this is a new conversation.
  if (list.some((message) => messages.has(message.position) && keyOf(messages.get(message.position)) !== keyOf(message))) {
    forget();
    hasten();
  }
  // Skips messages before the first loaded one; "earlier" loads those.
  for (const message of list) if (message.position >= first) messages.set(message.position, message);
  while (messages.has(head + 1)) head += 1;
  if (!chat().known) change((now) => (now.known = true));
  settle(list);
};

// Replies that were seen are not emailed. If this fails, the email is no harm.
const tellSeen = () => {
  call("seen", { method: "POST", body: JSON.stringify({ position: head }), keepalive: true }).catch(() => {});
};

const load = async (signal) => {
  // The response may lack messages sent in the meantime, so compare it with the old state.
  const before = head;
  const page = await (await call("messages", { signal })).json();
  if (page.status === "none") return head === before && forget();
  const last = page.messages.at(-1)?.position ?? 0;
  if (last < before || (conversation && conversation !== page.conversation)) clear();
  conversation = page.conversation;
  first = page.messages[0]?.position ?? 1;
  head = Math.max(head, last);
  status = page.status;
  for (const position of messages.keys()) if (position < first) messages.delete(position);
  hasEarlier = page.more;
  loaded = true;
  receive(page.messages);
};

const loadEarlier = async () => {
  const { area, log, scroll } = view;
  try {
    const page = await (await call(`messages?before=${first}`)).json();
    const below = scroll.scrollHeight - scroll.scrollTop;
    // Screen readers should not announce fifty old messages.
    log.setAttribute("aria-live", "off");
    setTimeout(() => log.setAttribute("aria-live", "polite"), 1000);
    hasEarlier = page.more;
    first = page.messages[0]?.position ?? first;
    receive(page.messages);
    calm();
    scroll.scrollTop = scroll.scrollHeight - below;
    measure();
    if (!hasEarlier) area.focus();
  } catch (error) {
    trouble(error);
  }
};
