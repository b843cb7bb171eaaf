// Suggests operators and their values while a search is typed. Without it, the search works
// the same.

import { element, pageOf } from "../shared.js";

const { home } = document.body.dataset;
const PAUSE = 150;
const MOST = 8;

const days = () => {
  const today = new Date();
  const iso = (date) => new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
  const back = (count) => iso(new Date(today.getFullYear(), today.getMonth(), today.getDate() - count));
  return [[iso(today), "today"], [back(1), "yesterday"], [`${back(7)}..`, "the last 7 days"], [iso(today).slice(0, 7), "this month"], [iso(today).slice(0, 4), "this year"]];
};
// Texts of a page that the server lists by the beginning of a word.
const listed = (path, selector) => async (typed, signal) => {
  const answer = await fetch(`${home}${path}?${new URLSearchParams({ q: typed })}`, { headers: { Accept: "text/html" }, signal });
  return [...pageOf(await answer.text()).querySelectorAll(selector)].map((one) => [one.textContent.trim(), ""]);
};
const team = async (typed, signal) => {
  const names = await listed("/tickets", ".chip:first-child .menu-items a")("", signal);
  return [["me", "my tickets"], ["none", "unassigned"], ...names.filter(([name]) => !["Me", "Nobody"].includes(name))];
};

// What can be typed before the colon, what it finds, and its values.
const OPERATORS = {
  status: ["by status", () => [["open", "new and in progress"], ["new", ""], ["in_progress", ""], ["closed", ""]]],
  tag: ["by tag", listed("/tags", "main tbody th")],
  assignee: ["by assignee", team],
  from: ["by the requester’s name or email", (typed, signal) => (typed ? listed("/contacts", ".rows a")(typed, signal) : [])],
  has: ["with files", () => [["attachment", "with files"]]],
  created: ["created on a day, in a month or year", days],
  closed: ["closed on a day, in a month or year", days],
  before: ["created before a day", () => days().slice(0, 2)],
  after: ["created on a day or later", () => days().slice(0, 2)],
};

// The piece of the query in front of the cursor.
const pieceAt = (input) => input.value.slice(0, input.selectionStart).match(/-?(?:[a-z]+:)?(?:"[^"]*|[^\s"]*)$/i)?.[0] ?? "";
const quoted = (value) => (/\s/.test(value) ? `"${value}"` : value);

const suggest = async (piece, signal) => {
  const [, not, name, value] = piece.match(/^(-?)(?:([a-z]+):)?"?(.*)$/i);
  const begins = (text) => text.toLowerCase().startsWith(value.toLowerCase());
  if (name) {
    const values = (await OPERATORS[name.toLowerCase()]?.[1](value, signal)) ?? [];
    const isListed = ["tag", "from"].includes(name.toLowerCase());
    return values.filter(([text]) => isListed || begins(text)).map(([text, hint]) => ({ text: `${not}${name}:${quoted(text)} `, hint }));
  }
  if (!value) return [];
  return Object.entries(OPERATORS).filter(([word]) => begins(word)).map(([word, [hint]]) => ({ text: `${not}${word}:`, hint }));
};

for (const input of document.querySelectorAll("[data-suggest]")) {
  const list = element("ul", { className: "suggestions", id: "suggestions", role: "listbox", hidden: true });
  list.setAttribute("aria-label", "Suggestions");
  for (const [name, value] of Object.entries({ controls: "suggestions", expanded: "false", autocomplete: "list" })) input.setAttribute(`aria-${name}`, value);
  input.setAttribute("role", "combobox");
  input.autocomplete = "off";
  input.after(list);

  let found = [];
  let at = -1;
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    at = -1;
  };
  const render = () => {
    if (!found.length || document.activeElement !== input) return close();
    list.replaceChildren(
      ...found.map(({ text, hint }, index) => {
        const item = element("li", { id: `suggestion-${index}`, role: "option" }, element("bdi", {}, text.trim()), element("span", { className: "quiet" }, hint));
        item.setAttribute("aria-selected", String(index === at));
        return item;
      }),
    );
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (at >= 0) input.setAttribute("aria-activedescendant", `suggestion-${at}`);
    else input.removeAttribute("aria-activedescendant");
  };
  const take = (index) => {
    const [end, { text }] = [input.selectionStart, found[index]];
    const start = end - pieceAt(input).length;
    input.setRangeText(text, start, end, "end");
    close();
    ask();
  };

  let pause;
  let asked = new AbortController();
  const ask = () => {
    clearTimeout(pause);
    pause = setTimeout(async () => {
      asked.abort();
      asked = new AbortController();
      const { signal } = asked;
      const answer = await suggest(pieceAt(input), signal).catch(() => []);
      if (signal.aborted) return;
      found = answer.slice(0, MOST);
      at = -1;
      render();
    }, PAUSE);
  };
  input.addEventListener("input", ask);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      at = at < 0 && step < 0 ? found.length - 1 : (at + step + found.length) % found.length;
      render();
    } else if (event.key === "Escape") close();
    // Without a choice, Enter searches.
    else if (["Enter", "Tab"].includes(event.key) && at >= 0) take(at);
    else return;
    event.preventDefault();
  });
  // Before the field loses the focus.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const item = event.target.closest("li");
    if (item) take([...list.children].indexOf(item));
  });
}
