// One event stream for all tabs of a browser, because HTTP/1.1 allows only six connections
// to a host.

const tabs = new Map();
let source = null;
let lastAt = 0;

// Also tells each tab whether any tab of the desk is visible.
const tell = (name, data) => {
  lastAt = Date.now();
  const watched = [...tabs.values()].some(({ hidden }) => !hidden);
  for (const port of tabs.keys()) port.postMessage({ ...data, name, watched });
};

const open = (url, names) => {
  source = new EventSource(url);
  for (const name of names) source.addEventListener(name, ({ data }) => tell(name, JSON.parse(data)));
  source.addEventListener("error", () => {
    // The browser restores a lost connection by itself, but not a refused one, for example
    // after the session has ended.
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
    // Events occurred between the creation of that page and now.
    else if (isNew && lastAt > since) port.postMessage({ name: "resync", watched: !hidden });
  });
  port.start();
});
