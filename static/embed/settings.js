// The chat bubble of a website:
//   <script src="https://desk.example/embed.js" data-user="KEY" async>
//
// If a tag manager drops the attribute, add "?user=KEY" to the address instead. If it
// copies the script into the page, set both before the script:
//   window.docketChat = { user: "KEY", desk: "https://desk.example" };
// This file must not contain a closing script tag: it would end such a copy.
//
// The bubble lives in a closed shadow root, so that the page and the bubble do not affect
// each other. It needs only script-src and connect-src in the page's
// Content-Security-Policy: it has no inline styles and builds no markup from strings.
//
// The bubble keeps a message in localStorage under its own id until the server has stored
// it, and sends it as often as necessary; the server stores each id once. Stored messages
// have consecutive positions, so that none is lost or duplicated.

// Elements shadow properties of the document: <img name="currentScript"> would replace our
// script. They cannot shadow the prototype.
const doc = new Proxy({}, {
  get: (_, name) => {
    const value = Reflect.get(Document.prototype, name, document);
    return typeof value === "function" ? value.bind(document) : value;
  },
});

// Elements become globals too, but they are never own properties of the window.
const setting = (name) => {
  const value = Object.hasOwn(window, "docketChat") ? window.docketChat?.[name] : "";
  return typeof value === "string" ? value : "";
};

const warn = (text) => console.warn(`Docket chat: ${text}`);

// The current script may be another script that runs this one with eval. Its address and
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

const LONGEST = 10_000; // characters in a message
const QUIET = 40_000; // the server sends something every 15 s; after 40 s the stream is dead
const STEADY = 10_000; // a stream that lasted this long resets the retry delay
const LINGER = 5_000; // a hidden page keeps its stream this long
const LONGEST_FIELD = 254; // characters in a name or email address

let config;
let texts;
let view;
let isOpen = false;

const messages = new Map(); // by position
let first = 1; // position of the first loaded message
let head = 0; // messages up to this position have arrived
let status = "none";
let conversation = null; // the server's id
let hasEarlier = false;
let loaded = false;
