// Requests to the server.

// A network failure rejects with fetch's own error, which has no status.
const refusal = (response, reason) =>
  Object.assign(new Error(`${response.status}`), { status: response.status, seconds: Number(response.headers.get("Retry-After")), reason });

const reasonIn = async (response) => {
  try {
    return (await response.json()).error.message;
  } catch {
    return "";
  }
};

const call = async (path, { headers, ...options } = {}) => {
  const authorization = { Authorization: `Bearer ${visitor()}` };
  const response = await fetch(`${address}/${path}`, { ...options, credentials: "omit", cache: "no-store", headers: { ...authorization, ...headers } });
  if (!response.ok) throw refusal(response, await reasonIn(response));
  return response;
};

const isLimit = (error) => error?.status === 429;
// 507: there is no room for files.
const isTrouble = ({ status }) => !status || (status >= 500 && status !== 507);
const mayPass = (error) => isTrouble(error) || isLimit(error) || error.status === 408;

// 1 s, 2 s, 4 s up to 30 s, with jitter so that visitors do not all reconnect at once.
const backoff = (failures) => Math.min(1000 * 2 ** failures, 30_000) * (0.75 + Math.random() / 2);
const delay = (error, failures) => (isLimit(error) && error.seconds > 0 ? error.seconds * 1000 : backoff(failures));

// A pause that `wake` ends early, unless the server asked for it.
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

// Splits a text/event-stream into events. A chunk may end anywhere: inside a character,
// inside a line, or between \r and \n.
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
