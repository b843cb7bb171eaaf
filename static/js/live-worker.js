// One stream of events for all tabs of a browser: a host of HTTP/1.1 gets six
// connections, and tabs are many.

const tabs = new Map();
let source = null;
let lastAt = 0;

// A tab that is told also learns whether the desk is in sight somewhere.
const tell = (name, data) => {
  lastAt = Date.now();
  const watched = [...tabs.values()].some(({ hidden }) => !hidden);
  for (const port of tabs.keys()) port.postMessage({ ...data, name, watched });
};

const open = (url, names) => {
  source = new EventSource(url);
  for (const name of names) source.addEventListener(name, ({ data }) => tell(name, JSON.parse(data)));
  source.addEventListener("error", () => {
    // A lost connection comes back by itself; a refused one does not, as when
    // nobody is signed in any more.
    if (source.readyState !== EventSource.CLOSED) return;
    source = null;
    if (tabs.size) setTimeout(() => source ?? open(url, names), 20_000);
  });
};

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data: { url, names, since, hidden, bye } }) => {
    if (bye) {
      tabs.delete(port);
      return;
    }
    const isNew = !tabs.has(port);
    tabs.set(port, { hidden });
    if (!source) open(url, names);
    // Something happened between the making of that page and now.
    else if (isNew && lastAt > since) port.postMessage({ name: "resync", watched: !hidden });
  });
  port.start();
});
