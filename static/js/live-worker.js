// One stream of events for all tabs of a browser: a host of HTTP/1.1 gets six
// connections, and tabs are many.

const ports = new Set();
let source = null;
let lastAt = 0;

const tell = (message) => {
  lastAt = Date.now();
  for (const port of ports) port.postMessage(message);
};

const open = (url, names) => {
  source = new EventSource(url);
  for (const name of names) {
    source.addEventListener(name, ({ data }) => tell({ name, data: JSON.parse(data) }));
  }
  source.addEventListener("error", () => {
    // A lost connection comes back by itself; a refused one does not, as when
    // nobody is signed in any more.
    if (source.readyState !== EventSource.CLOSED) return;
    source = null;
    if (ports.size) setTimeout(() => source ?? open(url, names), 20_000);
  });
};

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data: { url, names, since, bye } }) => {
    if (bye) return ports.delete(port);
    ports.add(port);
    if (!source) open(url, names);
    // Something happened between the making of that page and now.
    else if (lastAt > since) port.postMessage({ name: "resync", data: {} });
  });
  port.start();
});
