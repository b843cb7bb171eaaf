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
