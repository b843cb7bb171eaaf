// Storage in the visitor's browser.

// Entries that localStorage can't store because it is blocked or full.
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

// If two tabs write at the same moment, one of them wins. This tab keeps its own messages
// here until the server has accepted or refused them.
const written = new Map();

const chat = () => {
  const stored = { seen: 0, pending: [], name: "", email: "", draft: "", known: false, ...parsed(recall(chatKey)) };
  const ids = new Set(stored.pending.map(({ id }) => id));
  const missing = [...written.values()].filter(({ id }) => !ids.has(id));
  return { ...stored, pending: [...stored.pending, ...missing] };
};

// Reads the entry again before writing, because other tabs share it.
const change = (edit) => {
  const now = chat();
  edit(now);
  remember(chatKey, JSON.stringify(now));
};

const token = (bytes) => {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
};

// The secret that opens this visitor's conversation, created on first use.
const visitor = () => {
  const stored = recall(visitorKey);
  if (/^[\w-]{43}$/.test(stored)) return stored;
  const made = token(32);
  remember(visitorKey, made);
  return made;
};
