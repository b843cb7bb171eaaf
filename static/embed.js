// The chat bubble of a website:
//   <script src="https://desk.example/embed.js" data-user="KEY" async>
//
// If a tag manager drops the attribute, add "?user=KEY" to the address instead. If it
// copies the script into the page, set both before the script:
//   window.docketChat = { user: "KEY", desk: "https://desk.example" };
// A closing script tag in this file would end such a copy: there must be none.
//
// It lives in a closed shadow root, so that neither the page nor the bubble changes
// the other, and it needs nothing from the page's Content-Security-Policy but
// script-src and connect-src: no inline styles, no markup made of strings.
//
// A message is kept in localStorage under its own id until the server has it, and is
// sent as often as that takes; the server stores an id once. Whatever arrives has a
// position, and positions have no gaps: that is how nothing is lost or doubled.
(() => {
  "use strict";

  // Elements shadow properties of the document: <img name="currentScript"> would stand in
  // for our script. They cannot shadow the prototype.
  const doc = new Proxy({}, {
    get: (_, name) => {
      const value = Reflect.get(Document.prototype, name, document);
      return typeof value === "function" ? value.bind(document) : value;
    },
  });

  // Elements become globals too, but never own properties of the window.
  const setting = (name) => {
    const value = Object.hasOwn(window, "docketChat") ? window.docketChat?.[name] : "";
    return typeof value === "string" ? value : "";
  };

  const warn = (text) => console.warn(`Docket chat: ${text}`);

  // The current script may be another one that loads this one by eval. Its address and
  // attributes say nothing about the desk.
  const source = () => {
    const script = doc.currentScript;
    if (!(script instanceof HTMLScriptElement)) return {};
    if (!script.src) return { user: script.dataset.user };
    const desk = /^(https?:.*)\/embed\.js([?#].*)?$/.exec(script.src)?.[1];
    return desk ? { desk, user: script.dataset.user || new URL(script.src).searchParams.get("user") } : {};
  };

  if (Object.hasOwn(window, "Docket")) {
    console.info("Docket chat: window.Docket exists already, so this script does nothing. Install the bubble once per page.");
    return;
  }
  const own = source();
  const key = own.user || setting("user");
  if (!key) {
    warn('no key found. Add data-user="YOUR_KEY" to the script, "?user=YOUR_KEY" to its address, or set window.docketChat = { user: "YOUR_KEY", desk: "https://desk.example" } before it.');
    return;
  }
  // The page's setting comes first, because the page may serve its own copy of the script.
  const desk = setting("desk").replace(/\/+$/, "") || own.desk;
  if (!/^https?:\/\/./i.test(desk)) {
    warn(`the address of the desk is missing. Load the script from the desk, or set window.docketChat = { user: "${key}", desk: "https://desk.example" } before it.`);
    return;
  }

  const address = `${desk}/chat/${encodeURIComponent(key)}`;
  const visitorKey = `docket-visitor-${key}`;
  const chatKey = `docket-chat-${key}`;

  const LONGEST = 10_000; // characters of a message
  const QUIET = 40_000; // the server says something every 15 s; a longer silence is a dead line
  const STEADY = 10_000; // a line that lived this long was a good one
  const LINGER = 5_000; // a hidden page keeps its line this long
  const LONGEST_FIELD = 254; // characters of a name or an address

  let config;
  let texts;
  let view;
  let isOpen = false;

  const messages = new Map(); // by position
  let first = 1; // all positions from this one
  let head = 0; // up to this one have come
  let status = "none";
  let conversation = null; // what the server calls it
  let hasEarlier = false;
  let loaded = false;

  // ---- What is remembered ----

  // What localStorage does not take, because it is blocked or full.
  const unstored = new Map();

  const recall = (name) => {
    try {
      return unstored.get(name) ?? localStorage.getItem(name);
    } catch {
      return null;
    }
  };

  const remember = (name, value) => {
    try {
      localStorage.setItem(name, value);
      unstored.delete(name);
    } catch {
      unstored.set(name, value);
    }
  };

  const parsed = (text) => {
    try {
      return JSON.parse(text) ?? {};
    } catch {
      return {};
    }
  };

  // Two tabs may write at the same moment, and one of them wins. What was written in
  // this one is held here too, until the server has taken or refused it.
  const written = new Map();

  const chat = () => {
    const stored = { seen: 0, pending: [], name: "", email: "", draft: "", known: false, ...parsed(recall(chatKey)) };
    const ids = new Set(stored.pending.map(({ id }) => id));
    const missing = [...written.values()].filter(({ id }) => !ids.has(id));
    return { ...stored, pending: [...stored.pending, ...missing] };
  };

  // Reads again before it writes: other tabs share the entry.
  const change = (edit) => {
    const now = chat();
    edit(now);
    remember(chatKey, JSON.stringify(now));
  };

  const token = (bytes) => {
    const random = crypto.getRandomValues(new Uint8Array(bytes));
    return btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  };

  // The secret that unlocks this visitor's conversation, made with the first message.
  const visitor = () => {
    const stored = recall(visitorKey);
    if (/^[\w-]{43}$/.test(stored)) return stored;
    const made = token(32);
    remember(visitorKey, made);
    return made;
  };

  // ---- Talking to the server ----

  // A network failure rejects with fetch's own error, which has no status.
  const refusal = (response) =>
    Object.assign(new Error(`${response.status}`), { status: response.status, seconds: Number(response.headers.get("Retry-After")) });

  const call = async (path, { headers, ...options } = {}) => {
    const authorization = { Authorization: `Bearer ${visitor()}` };
    const response = await fetch(`${address}/${path}`, { ...options, credentials: "omit", cache: "no-store", headers: { ...authorization, ...headers } });
    if (!response.ok) throw refusal(response);
    return response;
  };

  const isLimit = (error) => error?.status === 429;
  const isTrouble = ({ status }) => !status || status >= 500;
  const mayPass = (error) => isTrouble(error) || isLimit(error) || error.status === 408;

  // 1 s, 2 s, 4 s up to 30 s, each a little off, so that not all visitors come back at once.
  const backoff = (failures) => Math.min(1000 * 2 ** failures, 30_000) * (0.75 + Math.random() / 2);
  const delay = (error, failures) => (isLimit(error) && error.seconds > 0 ? error.seconds * 1000 : backoff(failures));

  // A pause that `wake` ends, unless the server asked for it.
  const pause = () => {
    let end = () => {};
    const sleep = (milliseconds, firm) =>
      new Promise((done) => {
        const timer = setTimeout(done, milliseconds);
        end = () => {
          if (firm) return;
          clearTimeout(timer);
          done();
        };
      });
    return { sleep, wake: () => end() };
  };

  // Cuts a text/event-stream into events. A chunk may end anywhere: in a character,
  // in a line, between \r and \n.
  async function* eventsOf(body, alive) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let type = "";
    let data = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        const [, field, text] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (field === "event") type = text;
        if (field === "data") data.push(text);
        if (line) continue;
        if (data.length) yield { type, data: data.join("\n") };
        type = "";
        data = [];
      }
    }
  }

  // ---- Messages that come ----

  const clear = () => {
    messages.clear();
    first = 1;
    head = 0;
    status = "none";
    conversation = null;
    hasEarlier = false;
    loaded = false;
  };

  // The conversation was deleted. What waits to be sent begins a new one.
  const forget = () => {
    clear();
    change((now) => Object.assign(now, { known: false, seen: 0 }));
  };

  // Visitors and agents choose ids separately, so an id alone may name two messages.
  // Pending messages are always the visitor's.
  const isOwn = ({ from }) => from !== "agent";
  const keyOf = ({ id, from, position }) => (id ? `${isOwn({ from }) ? "visitor" : "agent"} ${id}` : position);

  const settle = (list) => {
    const ids = new Set(list.filter(isOwn).map(({ id }) => id));
    for (const id of ids) written.delete(id);
    if (chat().pending.some(({ id }) => ids.has(id))) change((now) => (now.pending = now.pending.filter(({ id }) => !ids.has(id))));
  };

  const receive = (list) => {
    // The same position with another message: this is a new conversation.
    if (list.some((message) => messages.has(message.position) && keyOf(messages.get(message.position)) !== keyOf(message))) {
      forget();
      hasten();
    }
    // One from before those that are shown comes with "earlier".
    for (const message of list) if (message.position >= first) messages.set(message.position, message);
    while (messages.has(head + 1)) head += 1;
    if (!chat().known) change((now) => (now.known = true));
    settle(list);
  };

  const load = async (signal) => {
    // What is sent meanwhile may be missing in the answer: only what was there counts.
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
      // Fifty old messages are not news.
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

  // ---- The live line ----
  //
  // Browsers allow six connections to a host, so one page of this visitor holds the line
  // and shares all events with the others, which wait for its lock.

  let line = null; // ends the connection of now
  let isHolder = false;
  let isSilent = false; // another page holds the line and is stuck
  let watchdog;
  let channel = null;
  let listening = false;
  let hurry = false;
  let away = doc.hidden;
  let stopped = false;
  const lineRest = pause();

  const isWanted = () => !away && !stopped && (chat().known || head > 0);

  // Ours was deleted and another has begun, perhaps in another tab: load that one.
  const meet = (event) => {
    if (conversation && conversation !== event.conversation) {
      clear();
      change((now) => (now.seen = 0));
      hasten();
      return;
    }
    ({ conversation, status } = event);
  };

  const take = ({ type, data }) => {
    const event = JSON.parse(data);
    if (type === "status") status = event.status;
    if (type === "hello") meet(event);
    if (type === "message") {
      receive([event]);
      if (!isOpen && event.from === "agent") view.say.textContent = `${texts.newMessage} ${event.name || texts.team}: ${event.body}`;
    }
    render();
    return event;
  };

  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      isSilent = !isHolder;
      line?.abort();
    }, QUIET);
  };

  // Loads if this page has missed a message up to that position.
  const expect = (reached) => {
    if (!loaded || reached <= head) return;
    loaded = false;
    hasten();
  };

  const overhear = ({ data: { reached, ...event } }) => {
    isSilent = false;
    offline = false;
    if (listening) alive();
    take(event);
    expect(reached);
  };

  // Pages share only what belongs to the same visitor. Where localStorage is blocked, each
  // page is a visitor of its own.
  const shared = () => `docket ${visitor()}`;

  const join = () => {
    if (!navigator.locks || channel?.name === shared()) return;
    leave();
    channel = new BroadcastChannel(shared());
    on(channel, "message", overhear);
  };

  // A page that joins again has to load, because it has heard nothing in between.
  const leave = () => {
    channel?.close();
    channel = null;
    loaded = false;
  };

  // Waits until no other page holds the line, and takes it from one that is stuck. Pages
  // loaded by plain http have no locks, so each of them holds a line.
  const alone = async (signal, action) => {
    if (!navigator.locks) return action();
    try {
      return await navigator.locks.request(shared(), isSilent ? { steal: true } : { signal }, action);
    } catch (error) {
      // Frames without storage have no locks either.
      if (error.name !== "SecurityError") throw error;
      return action();
    }
  };

  const hold = async (signal) => {
    isHolder = true;
    isSilent = false;
    alive();
    let reached = head;
    const response = await call(`events?after=${reached}`, { signal });
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Error("not a stream");
    calm();
    const share = (event) => channel?.postMessage({ ...event, reached });
    const heard = () => {
      alive();
      share({ type: "alive", data: "{}" });
    };
    for await (const event of eventsOf(response.body, heard)) {
      reached = take(event).position ?? reached;
      share(event);
      expect(reached);
    }
  };

  // Loads what is there and stays for what comes, until the line breaks.
  const follow = async () => {
    const mine = new AbortController();
    const { signal } = mine;
    line = mine;
    alive();
    try {
      join();
      if (!loaded) {
        await load(signal);
        offline = false;
      }
      render();
      if (chat().known) await alone(signal, () => hold(signal));
    } finally {
      isHolder = false;
      clearTimeout(watchdog);
      mine.abort();
    }
  };

  const listen = async () => {
    if (listening) return;
    listening = true;
    let failures = 0;
    while (isWanted()) {
      const begun = Date.now();
      hurry = false;
      const error = await follow().catch((caught) => caught);
      if (hurry || !isWanted()) continue;
      if (error) trouble(error);
      // Either the conversation is gone, which loading tells, or the desk is.
      if (error?.status === 403 || error?.status === 404) {
        stopped = !loaded;
        loaded = false;
      }
      if (Date.now() - begun > STEADY) failures = 0;
      await lineRest.sleep(delay(error, failures), isLimit(error));
      failures += 1;
    }
    listening = false;
  };

  const hangUp = () => {
    away = true;
    line?.abort();
  };

  // The page is seen again or the network is back: no waiting now.
  const hasten = () => {
    sendRest.wake();
    pump();
    if (doc.hidden) return;
    away = false;
    hurry = true;
    line?.abort();
    lineRest.wake();
    listen();
  };

  // ---- Messages that go ----

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
      // Outlives a visitor who writes and leaves; browsers allow it for 64 KiB.
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

  // Sends what waits, one after the other. Only a message that may still pass holds up
  // the following ones; a refused one steps aside.
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
    // Stores the message along with it.
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

  // ---- What is seen ----

  const on = (target, types, action) => {
    for (const type of types.split(" ")) EventTarget.prototype.addEventListener.call(target, type, action);
  };

  // Leaves what is right already: a screen reader takes any change for news.
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

  // The server replaces the next line with that file.
  /* links.js */

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
    const item = make("div", { class: mine ? "message own" : "message" }, make("p", { class: "meta" }, who, " ", time), text, state);
    return { id, item, time, state, said: "" };
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

  const stateOf = ({ position, failed }, isNewest) => {
    if (position) return isNewest ? texts.sent : "";
    if (failed) return failed === "tooLong" ? texts.tooLong : "";
    return texts.sending;
  };

  let drawnByKey = new Map();

  // Brings the list in line. An element stays as it is from "sending" to "sent", so
  // that nothing flickers and nothing is read out twice.
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
      showState(drawn, stateOf(message, message === lastOwn && !pending.length), Boolean(message.failed && !message.position));
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
    if (isRead && chat().seen < head) change((now) => (now.seen = head));
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

  // Who reads the end stays there, whether a message comes or the text area grows.
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

  // ---- Building ----

  // Black or white, whichever is easier to read on the colour (WCAG's luminance).
  const inkOn = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
  };

  const directionOf = (language) => {
    try {
      const locale = new Intl.Locale(language);
      return (locale.getTextInfo?.() ?? locale.textInfo).direction;
    } catch {
      return "auto";
    }
  };

  const build = () => {
    const field = (name, type) => {
      const input = make("input", { type, autocomplete: name, dir: "auto" });
      input.value = chat()[name];
      on(input, "input", () => {
        const value = input.value.trim();
        const isTooLong = [...value].length > LONGEST_FIELD;
        // The text names the limit of messages. With the number replaced it fits a field.
        input.setCustomValidity(isTooLong ? texts.tooLong.replace(/\p{Nd}+\P{Nd}?\p{Nd}{3}/u, LONGEST_FIELD) : "");
        // Stored values are sent with every message, and the server refuses longer ones.
        if (!isTooLong) change((now) => (now[name] = value));
      });
      return make("label", {}, texts[name], input);
    };
    const close = make("button", { type: "button", class: "close", "aria-label": texts.close }, icon("M6 6l12 12M18 6L6 18"));
    const header = make("header", {}, make("h2", {}, texts.title), close);
    const welcome = make("p", { class: "welcome", dir: "auto" }, texts.welcome);
    const earlier = make("button", { type: "button", class: "earlier" }, texts.earlier);
    const log = make("div", { role: "log", "aria-live": "polite", "aria-label": texts.title });
    const scroll = make("div", { class: "scroll", tabindex: 0 }, welcome, earlier, log);
    const notice = make("p", { class: "notice", role: "status", dir: "auto" });
    const fields = make("div", { class: "fields" });
    if (config.askName) fields.append(field("name", "text"));
    if (config.askEmail) fields.append(field("email", "email"));
    const area = make("textarea", { rows: 2, dir: "auto", placeholder: texts.placeholder, "aria-label": texts.placeholder, enterkeyhint: "send" });
    const form = make("form", { novalidate: "" }, fields, area, make("button", { class: "send" }, texts.send));
    const panel = make("section", { id: "panel", class: "panel", role: "dialog", "aria-label": texts.title, dir: directionOf(config.language) }, header, scroll, notice, form);
    const badge = make("span", { class: "badge", "aria-hidden": "true" });
    const button = make("button", { type: "button", class: "bubble", "aria-controls": "panel", "aria-haspopup": "dialog" }, icon("M5 5h14v11h-8l-4 3.5V16H5z"), badge);
    const say = make("p", { class: "say", role: "status" });
    // The page's direction says which corner, the language how the panel reads.
    const corner = getComputedStyle(doc.body ?? doc.documentElement).direction;
    const root = make("div", { class: "root", lang: config.language, dir: corner }, panel, button, say);
    const host = make("docket-chat", { popover: "manual" });
    const shadow = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    const accent = /^#[0-9a-f]{6}$/i.test(config.colour) ? config.colour : "#2457c5";
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(root);
    root.style.setProperty("--accent", accent);
    root.style.setProperty("--accent-ink", inkOn(accent));
    area.value = chat().draft;
    return { area, badge, button, close, earlier, fields, form, host, log, notice, panel, root, say, scroll, shadow, welcome };
  };

  // The key belongs to an input method. Safari ends a composition before it reports the
  // key that ended it, as 229.
  const isComposing = (event) => event.isComposing || event.keyCode === 229;

  const wire = () => {
    const { area, button, close, earlier, form, host, panel, scroll } = view;
    on(button, "click", () => toggle(!isOpen));
    on(close, "click", () => toggle(false));
    on(earlier, "click", loadEarlier);
    on(scroll, "scroll", measure);
    new ResizeObserver(keepEnd).observe(scroll);
    on(form, "submit", (event) => {
      event.preventDefault();
      submit();
    });
    on(area, "input", () => {
      change((now) => (now.draft = area.value));
      renderNotice();
    });
    on(area, "keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
      event.preventDefault();
      submit();
    });
    on(panel, "keydown", (event) => {
      if (event.key === "Escape" && !isComposing(event)) toggle(false);
    });
    // The page's shortcuts are not meant while somebody writes here.
    on(host, "keydown keypress keyup", (event) => event.stopPropagation());
  };

  // Stays in the page and in the top layer, above any z-index, whatever scripts of the
  // page take away. Not at once: two that undo each other would never rest.
  const stay = () => {
    const { host } = view;
    const place = () => {
      if (!host.isConnected) doc.documentElement.append(host);
      observer.observe(doc.documentElement, { childList: true });
      if (host.showPopover && !host.matches(":popover-open")) host.showPopover();
    };
    const observer = new MutationObserver(() => host.isConnected || setTimeout(place, 50));
    observer.observe(document, { childList: true });
    on(host, "toggle", ({ newState }) => newState === "closed" && setTimeout(place, 50));
    place();
  };

  // A phone's keyboard covers the page without making it smaller.
  const fit = () => {
    const { height, offsetTop, scale } = visualViewport;
    const isZoomed = scale > 1.01;
    view.root.style.setProperty("--height", isZoomed ? "100dvh" : `${height}px`);
    view.root.style.setProperty("--top", isZoomed ? "0px" : `${offsetTop}px`);
  };

  const watch = () => {
    let leaving;
    on(document, "visibilitychange", () => {
      clearTimeout(leaving);
      render();
      if (doc.hidden) leaving = setTimeout(hangUp, LINGER);
      else hasten();
    });
    // An open line would keep the page out of the back-forward cache.
    on(window, "pagehide", () => {
      hangUp();
      leave();
    });
    on(window, "pageshow", ({ persisted }) => persisted && hasten());
    on(window, "offline", () => trouble({}));
    on(window, "online", () => {
      calm();
      hasten();
    });
    on(window, "storage", (event) => {
      if (event.key !== null && event.key !== chatKey) return;
      const now = chat();
      if (doc.hidden) view.area.value = now.draft;
      render();
      // Another tab says that the conversation is gone: look.
      if (!now.known && head > 0) {
        loaded = false;
        hasten();
      }
      listen();
    });
    on(visualViewport, "resize scroll", fit);
  };

  // Why the page shows no bubble, and what its owner can do.
  const reasonOf = ({ status, message }) => {
    if (status === 403) return `${desk} does not allow this website. Add ${location.origin} to the bubble's websites in the desk's settings.`;
    if (status === 404) return `${desk} has no bubble with the key "${key}", or it is switched off. Copy the script again from the desk's settings.`;
    return `no answer from ${desk} (${message}). Check that address, and that the page's Content-Security-Policy allows it in connect-src.`;
  };

  const start = async () => {
    for (let failures = 0; !config; failures += 1) {
      try {
        const response = await fetch(`${address}/config`, { credentials: "omit" });
        if (!response.ok) throw refusal(response);
        const answer = await response.json();
        if (!answer?.texts) throw new Error("not our server");
        config = answer;
      } catch (error) {
        if (!mayPass(error) || failures > 4) return warn(reasonOf(error));
        await pause().sleep(delay(error, failures + 1));
      }
    }
    texts = config.texts;
    view = build();
    wire();
    stay();
    watch();
    fit();
    render();
    if (isOpen) view.area.focus();
    listen();
    pump();
  };

  const STYLE = `
    :host {
      all: initial !important; display: block !important; position: fixed !important; inset: 0 auto auto 0 !important;
      z-index: 2147483647 !important; color-scheme: light dark !important;
    }
    @media print { :host { display: none !important; } }
    *, ::before, ::after { box-sizing: border-box; margin: 0; }
    [hidden] { display: none !important; }
    button { font: inherit; color: inherit; cursor: pointer; }
    svg { display: block; width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    :focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; }

    .root {
      --ink: oklch(25% 0.02 260); --quiet: oklch(47% 0.02 260); --danger: oklch(50% 0.17 27);
      --paper: oklch(100% 0 0); --soft: oklch(95% 0.008 260); --line: oklch(62% 0.015 260);
      font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
      color: var(--ink); text-size-adjust: 100%; -webkit-text-size-adjust: 100%;
    }
    @media (prefers-color-scheme: dark) {
      .root {
        --ink: oklch(93% 0.008 260); --quiet: oklch(76% 0.015 260); --danger: oklch(78% 0.13 25);
        --paper: oklch(21% 0.014 260); --soft: oklch(30% 0.016 260); --line: oklch(58% 0.02 260);
      }
    }

    .bubble {
      position: fixed; inset-block-end: max(20px, env(safe-area-inset-bottom)); inset-inline-end: max(20px, env(safe-area-inset-right));
      display: grid; place-items: center; width: 56px; height: 56px; border: 1px solid var(--accent-ink); border-radius: 50%;
      background: var(--accent); color: var(--accent-ink); box-shadow: 0 4px 16px rgb(0 0 0 / 0.3);
    }
    .bubble svg { width: 28px; height: 28px; }
    /* Two colours: one of them is seen on any page. */
    .bubble:focus-visible { outline: 3px solid #ffffff; outline-offset: 0; box-shadow: 0 0 0 6px #000000; }
    .badge {
      position: absolute; inset-block-start: -5px; inset-inline-end: -5px; min-width: 22px; padding: 0 6px; border: 1px solid #ffffff; border-radius: 11px;
      background: #b3261e; color: #ffffff; font-size: 13px; font-weight: 600; line-height: 20px; text-align: center;
    }

    .panel {
      position: fixed; inset-block-end: calc(max(20px, env(safe-area-inset-bottom)) + 68px); width: 376px; height: min(600px, 100dvh - 108px);
      display: flex; flex-direction: column; overflow: hidden; border: 1px solid var(--line); border-radius: 12px;
      background: var(--paper); box-shadow: 0 8px 40px rgb(0 0 0 / 0.25);
    }
    /* The corner is the page's, the direction inside the language's. */
    [dir=ltr] > .panel { right: 20px; }
    [dir=rtl] > .panel { left: 20px; }
    header {
      display: flex; align-items: center; justify-content: space-between; padding-block: 6px; padding-inline: 16px 6px;
      background: var(--accent); color: var(--accent-ink); border-block-end: 1px solid transparent;
    }
    h2 { font-size: 16px; font-weight: 600; unicode-bidi: plaintext; overflow-wrap: anywhere; }
    .close { flex: none; display: grid; place-items: center; width: 44px; height: 44px; border: 0; border-radius: 8px; background: none; }
    .close:focus-visible { outline-color: currentColor; outline-offset: -4px; }

    .scroll { flex: 1; min-height: 0; overflow-y: auto; overflow-anchor: none; overscroll-behavior: contain; padding: 16px; }
    .scroll:focus-visible { outline-offset: -3px; }
    .welcome, .text { white-space: pre-wrap; overflow-wrap: anywhere; text-align: start; unicode-bidi: plaintext; }
    .welcome { margin-block-end: 16px; }
    .earlier { display: block; min-height: 36px; margin: 0 auto 16px; padding: 4px 14px; border: 1px solid var(--line); border-radius: 18px; background: none; }
    .message { width: fit-content; max-width: 86%; margin-block-end: 14px; }
    .own { margin-inline-start: auto; }
    .meta, .state { font-size: 13px; color: var(--quiet); overflow-wrap: anywhere; }
    .own :is(.meta, .state) { text-align: end; }
    .who { font-weight: 600; }
    .text { width: fit-content; padding: 8px 12px; border: 1px solid transparent; border-radius: 12px; background: var(--soft); }
    .own .text { margin-inline-start: auto; background: var(--accent); color: var(--accent-ink); }
    .text a { color: inherit; }
    .text a:focus-visible { outline-color: currentColor; }
    .state.failed { color: var(--danger); }
    .state button { min-height: 24px; padding: 0; border: 0; background: none; text-decoration: underline; }

    .notice { padding: 8px 16px; font-size: 13px; color: var(--quiet); border-block-start: 1px solid var(--soft); }
    .notice:empty { display: none; }
    form { display: grid; grid-template-columns: 1fr auto; gap: 8px; align-items: end; padding: 12px; border-block-start: 1px solid var(--soft); }
    .fields { grid-column: 1 / -1; display: grid; gap: 8px; }
    label { display: grid; gap: 2px; font-size: 13px; }
    /* Below 16px, phones zoom in on a field. */
    input, textarea {
      width: 100%; padding: 8px 10px; border: 1px solid var(--line); border-radius: 8px;
      background: var(--paper); color: inherit; font: inherit; font-size: 16px;
    }
    /* An empty field has no text to tell its direction: that of the texts. */
    :is(input, textarea):placeholder-shown { direction: inherit; }
    textarea { field-sizing: content; min-height: 62px; max-height: 140px; resize: none; }
    ::placeholder { color: var(--quiet); opacity: 1; }
    .send { min-height: 44px; padding: 8px 14px; border: 1px solid transparent; border-radius: 8px; background: var(--accent); color: var(--accent-ink); font-weight: 600; }
    .say { position: fixed; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }

    @media (max-width: 480px), (max-height: 480px) {
      .panel[class] {
        inset: var(--top, 0px) 0 auto 0; width: auto; height: var(--height, 100dvh); border: 0; border-radius: 0;
        /* Where a keyboard leaves little room, all of it scrolls. */
        overflow-y: auto;
        padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
      }
      .scroll { flex: 1 0 96px; }
      .panel:not([hidden]) + .bubble { display: none; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .panel { animation: rise 0.16s ease-out; }
      @keyframes rise { from { opacity: 0; translate: 0 8px; } }
    }
    @media (forced-colors: active) { :focus-visible, .bubble:focus-visible { outline: 3px solid Highlight; } }
  `;

  // Also the mark that the bubble is here: a second script finds it and rests.
  window.Docket = Object.freeze({ open: () => toggle(true), close: () => toggle(false) });
  start();
})();
