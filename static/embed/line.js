// The live event stream, called "line".
// Browsers allow six connections to a host, so only one page of this visitor holds the
// stream. It shares all events with the other pages, which wait for its lock.

let line = null; // aborts the current connection
let isHolder = false;
let isSilent = false; // another page holds the stream and is stuck
let isDismissed = false; // the server said that it stops
let watchdog;
let channel = null;
let listening = false;
let hurry = false;
let away = doc.hidden;
let stopped = false;
const lineRest = pause();

const isWanted = () => !away && !stopped && (chat().known || head > 0);

// Our conversation was deleted and a new one started, perhaps in another tab: load it.
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
    if (!isOpen && event.from === "agent") view.say.textContent = `${texts.newMessage} ${event.name || texts.team}: ${event.body || event.files.map(({ name }) => name).join(", ")}`;
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

// Reloads if this page missed a message up to that position.
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

// Pages share events only within the same visitor. If localStorage is blocked, each page
// is a separate visitor.
const shared = () => `docket ${visitor()}`;

const join = () => {
  if (!navigator.locks || channel?.name === shared()) return;
  leave();
  channel = new BroadcastChannel(shared());
  on(channel, "message", overhear);
};

// A page that joins again must reload, because it missed events in between.
const leave = () => {
  channel?.close();
  channel = null;
  loaded = false;
};

// Waits until no other page holds the stream, or takes over from a stuck page. Pages loaded
// over plain http have no locks, so each of them holds its own stream.
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
    isDismissed ||= event.type === "bye";
    share(event);
    expect(reached);
  }
};

// Loads the conversation, then follows the stream until it breaks.
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
    hurry = isDismissed = false;
    const error = await follow().catch((caught) => caught);
    if (hurry || !isWanted()) continue;
    if (error) trouble(error);
    // Another instance, or the same one after its restart, takes the stream.
    if (isDismissed) failures = Math.min(failures, 2);
    // The conversation or the bubble is gone; the next load tells which.
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

// The page is visible again or the network is back: reconnect without waiting.
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
