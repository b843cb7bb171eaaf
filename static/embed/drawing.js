// Rendering.

const on = (target, types, action) => {
  for (const type of types.split(" ")) EventTarget.prototype.addEventListener.call(target, type, action);
};

// Skips unchanged text: screen readers announce every change.
const write = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const make = (tag, attributes = {}, ...children) => {
  const element = doc.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

const icon = (path) => {
  const [svg, shape] = ["svg", "path"].map((tag) => doc.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true" })) svg.setAttribute(name, value);
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
};

const withLinks = (text) => {
  const parts = [];
  let rest = 0;
  for (const [start, end] of linksIn(text)) {
    const href = text.slice(start, end);
    parts.push(text.slice(rest, start), make("a", { href, rel: "noopener noreferrer nofollow", target: "_blank", dir: "ltr" }, href));
    rest = end;
  }
  return [...parts, text.slice(rest)];
};

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const calendar = new Intl.DateTimeFormat(undefined, { timeStyle: "short", dateStyle: "medium" });

const timeOf = (at) => {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? clock : calendar).format(date);
};

const draw = (message) => {
  const { id, name, body } = message;
  const mine = isOwn(message);
  const who = make("span", { class: "who", dir: "auto" }, mine ? texts.you : name || texts.team);
  const time = make("time", { dir: "auto" });
  const state = make("p", { class: "state" });
  const text = make("p", { class: "text", dir: "auto" }, ...withLinks(body));
  text.hidden = !body;
  const files = make("ul", { class: "files" });
  const item = make("div", { class: mine ? "message own" : "message" }, make("p", { class: "meta" }, who, " ", time), text, files, state);
  return { id, item, time, files, state, said: "" };
};

const showState = (drawn, said, canRetry) => {
  const now = `${said} ${canRetry}`;
  if (drawn.said === now) return;
  drawn.said = now;
  drawn.state.replaceChildren(said);
  drawn.state.classList.toggle("failed", canRetry);
  if (!canRetry) return;
  const retry = make("button", { type: "button" }, texts.failed);
  on(retry, "click", () => tryAgain(drawn.id));
  drawn.state.append(" ", retry);
};

const stateOf = (message, isNewest) => {
  const { position, failed, reason } = message;
  if (position) return isNewest ? texts.sent : "";
  if (failed) return failed === "tooLong" ? texts.tooLong : reason ?? "";
  if (isLost(message)) return "";
  return texts.sending;
};

let drawnByKey = new Map();

// Updates the list. A message keeps its element from "sending" to "sent", so that nothing
// flickers and screen readers announce nothing twice.
const renderMessages = (pending) => {
  const arrived = [...messages.values()].sort((one, other) => one.position - other.position);
  const lastOwn = arrived.findLast(({ from }) => from === "visitor");
  const before = drawnByKey;
  let place = view.log.firstChild;
  drawnByKey = new Map();
  for (const message of [...arrived, ...pending]) {
    const drawn = before.get(keyOf(message)) ?? draw(message);
    drawnByKey.set(keyOf(message), drawn);
    if (drawn.item === place) place = place.nextSibling;
    else view.log.insertBefore(drawn.item, place);
    drawn.time.dateTime = message.at;
    write(drawn.time, timeOf(message.at));
    showState(drawn, stateOf(message, message === lastOwn && !pending.length), !message.position && Boolean(message.failed || isLost(message)));
    showFiles(drawn, message);
  }
  while (view.log.childElementCount > drawnByKey.size) view.log.lastChild.remove();
};

const renderButton = (seen) => {
  const { badge, button } = view;
  const unread = [...messages.values()].filter(({ from, position }) => from === "agent" && position > seen).length;
  const shown = !isOpen && unread > 0;
  badge.hidden = !shown;
  write(badge, unread > 99 ? "99+" : `${unread}`);
  button.setAttribute("aria-expanded", isOpen);
  button.setAttribute("aria-label", shown ? `${texts.open}, ${texts.unread.replace("{n}", unread)}` : texts.open);
};

const renderNotice = () => {
  write(view.notice, (slowed && texts.slowDown) || (offline && texts.offline) || (status === "closed" && texts.ended) || "");
};

const render = () => {
  if (!view) return;
  const { earlier, fields, panel, welcome } = view;
  const isRead = isOpen && !doc.hidden;
  if (isRead && chat().seen < head) {
    change((now) => (now.seen = head));
    tellSeen();
  }
  const now = chat();
  const arrived = new Set([...messages.values()].map(keyOf));
  measure();
  panel.hidden = !isOpen;
  welcome.hidden = hasEarlier;
  earlier.hidden = !hasEarlier;
  fields.hidden = now.known || now.pending.length > 0 || !fields.childElementCount;
  renderMessages(now.pending.filter((message) => !arrived.has(keyOf(message))));
  renderButton(now.seen);
  renderNotice();
  keepEnd();
};

// Visitors at the end stay at the end when a message arrives or the text area grows.
let isAtEnd = true;

const measure = () => {
  const { clientHeight, scrollHeight, scrollTop } = view.scroll;
  isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
};

const keepEnd = () => {
  if (isAtEnd) view.scroll.scrollTop = view.scroll.scrollHeight;
};

const toggle = (open) => {
  const hadFocus = view?.panel.contains(view.shadow.activeElement);
  const changed = isOpen !== open;
  isOpen = open;
  if (!view || !changed) return;
  render();
  if (open) {
    view.say.textContent = "";
    view.area.focus();
  } else if (hadFocus) view.button.focus();
};
